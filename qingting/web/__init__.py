"""The console: plain pages, read only, rendered here from the store."""

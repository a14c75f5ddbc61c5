"""A scenario of our own: an invented city, three quiet weeks, a discharge in the night, and the days after it."""

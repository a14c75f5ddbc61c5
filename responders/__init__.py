"""Responses: an event, its posts and its verified facts -> a draft -> checks -> people decide."""

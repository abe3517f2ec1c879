"""The push step: a blessed model becomes the newest version, all at once or not at all."""

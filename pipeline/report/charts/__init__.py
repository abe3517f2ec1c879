"""Charts as inline SVG, coloured by the page's CSS so that they follow its light and dark scheme.

`svg` makes elements, `axes` scales and ticks; each chart is a function in a file of its own.
"""

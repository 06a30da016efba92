"""The monthly client letter: facts first, words and charts from them."""

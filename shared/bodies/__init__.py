"""Bodies of items: their two forms, how one becomes the other, and what of them may cross over."""

"""The frame of every page: head, bar, footer, and what stands in when a page breaks."""

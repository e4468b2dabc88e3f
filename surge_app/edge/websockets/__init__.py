"""Live connections of pages: their right to connect, their frames, the owners of their states."""

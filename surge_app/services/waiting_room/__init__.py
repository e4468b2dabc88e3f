"""The waiting room: joining, queue order, admission."""

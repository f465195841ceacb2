"""The model artifact: how it is written, checked and opened, where it is from."""

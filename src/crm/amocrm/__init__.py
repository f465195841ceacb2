"""amoCRM: read the whole account, keep our fields in it, write on its cards."""

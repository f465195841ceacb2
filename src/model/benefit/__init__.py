"""What an order of calls is worth, over the past and after it was switched on."""

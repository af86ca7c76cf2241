"""A finished experiment is checked: nothing in it is believed that can be computed again."""

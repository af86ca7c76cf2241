"""What the compiled engine costs, beside its peers, the machine's ceiling and its own scaling."""

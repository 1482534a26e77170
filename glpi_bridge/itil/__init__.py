"""What is done beyond single tickets: Problems of recurring incidents, with all that follows from them."""

"""What people ask and do about the bridge: check, explain, status, the queue, adopting. Not on an alert's way."""

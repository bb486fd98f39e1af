"""What many tests stand on: private servers, made as needed and gone afterwards."""

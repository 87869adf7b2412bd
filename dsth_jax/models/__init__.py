"""The networks: hash networks that learn, backbones that describe images."""

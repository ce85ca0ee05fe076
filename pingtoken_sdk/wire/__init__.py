"""The only sockets of the package: engines that carry exchanges, and the drivers that ask them to."""

"""The engines that a store runs on."""

"""Who may use this station: people, agencies' systems, other stations. A page and a command make the same change here,
so what one refuses the other refuses too, and in the same words."""

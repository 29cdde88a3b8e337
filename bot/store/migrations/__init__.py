"""The schema's steps, shipped in the package. `bot.store.migrate` runs them."""

package vault

// ofHooks is where the secrets of webhooks lie.
const ofHooks = "app.hooks.sealed"

// Package vault keeps secrets in schema app of the database, sealed: the
// credentials of sources ([Vault], which implements [domain.Credentials]) and the
// secrets of their webhooks ([Hooks]). A [Keyring] holds the keys, in a file that
// only the service reads, or that a key management service has to open.
//
// What is sealed is bound to its owner, table, row and provider: moved to another
// row it does not open. It carries the number of the key that sealed it, so that
// [Vault.Reseal] can bring everything under a new key while the service runs.
//
// It does not tell who may use a credential, nor does it refresh one.
//
// # Why
//
// A dump of the database, a backup or a replica must not open anybody's
// repositories (I7). The keys are a file, so that they are backed up and handed
// out apart from the database, and Tink's keysets are used because they make
// rotation and key numbers no business of ours.
package vault

package vault

import (
	"context"
	"fmt"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/awskms"        // awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault://
	_ "gocloud.dev/secrets/gcpkms"        // gcpkms://
	_ "gocloud.dev/secrets/localsecrets"  // base64key://
)

// keeper seals the file of keys with a key that another system holds. There is
// one file, so nothing has to be bound to a place.
type keeper struct{ kms *secrets.Keeper }

func openKeeper(ctx context.Context, url string) (keeper, error) {
	k, err := secrets.OpenKeeper(ctx, url)
	if err != nil {
		return keeper{}, fmt.Errorf("vault: key management service: %w", hidden(err, url))
	}
	return keeper{k}, nil
}

// EncryptWithContext implements tink.AEADWithContext.
func (k keeper) EncryptWithContext(ctx context.Context, plaintext, _ []byte) ([]byte, error) {
	return k.kms.Encrypt(ctx, plaintext)
}

// DecryptWithContext implements tink.AEADWithContext.
func (k keeper) DecryptWithContext(ctx context.Context, ciphertext, _ []byte) ([]byte, error) {
	return k.kms.Decrypt(ctx, ciphertext)
}

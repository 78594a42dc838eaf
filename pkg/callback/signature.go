package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

const secretPrefix = "whsec_"

// signer holds the keys of Standard Webhooks signatures; none means unsigned.
type signer [][]byte

// newSigner reads "whsec_" and base64, or a plain text that is the key itself.
func newSigner(secrets []job.Secret) (signer, error) {
	var s signer
	for i, secret := range secrets {
		key := []byte(secret.Reveal())
		if encoded, ok := strings.CutPrefix(secret.Reveal(), secretPrefix); ok {
			var err error
			if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
				return nil, fmt.Errorf("callback secret %d: after %q it must be base64", i+1, secretPrefix)
			}
		}
		if len(key) == 0 {
			return nil, fmt.Errorf("callback secret %d is empty", i+1)
		}
		s = append(s, key)
	}
	return s, nil
}

// sign returns one "v1,<base64>" for each key, divided by blanks: while keys
// are changed, a receiver that knows either accepts.
func (s signer) sign(id, timestamp string, body []byte) string {
	signatures := make([]string, len(s))
	for i, key := range s {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

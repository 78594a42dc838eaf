package config

import (
	"crypto/tls"
	"crypto/x509"
)

// path reads the name of a file, as seen from the config file.
func (r *reader) path(key string) string { return r.beside(r.text(key)) }

// authorities reads a PEM file of certificates; nil without one.
func (r *reader) authorities(key, path string) *x509.CertPool {
	if path == "" {
		return nil
	}
	text, why := readRegular(path, maxSecretFile)
	pool := x509.NewCertPool()
	if why == "" && !pool.AppendCertsFromPEM(text) {
		why = "holds no certificate"
	}
	if why != "" {
		r.wrong(key, "the file "+why, "want a PEM file of the authorities' certificates")
		return nil
	}
	return pool
}

// certificate reads a certificate and its key; nil without one. What is wrong
// with a key is not repeated.
func (r *reader) certificate(certKey, keyKey, certPath, keyPath string) *tls.Certificate {
	const want = "want PEM files of a certificate and of its key"
	switch {
	case certPath == "" && keyPath == "":
		return nil
	case certPath == "":
		r.missing(certKey, want)
		return nil
	case keyPath == "":
		r.missing(keyKey, want)
		return nil
	}
	cert, why := readRegular(certPath, maxSecretFile)
	if why != "" {
		r.wrong(certKey, "the file "+why, want)
		return nil
	}
	key, why := readRegular(keyPath, maxSecretFile)
	if why != "" {
		r.wrong(keyKey, "the file "+why, want)
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		r.wrong(certKey, "it and "+r.name(keyKey)+" are no certificate and its key", want)
		return nil
	}
	return &pair
}

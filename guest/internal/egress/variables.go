package egress

import (
	"maps"
	"os"
	"path/filepath"
	"strings"

	"lms-computer/guest/internal/own"
	"lms-computer/guest/internal/wire"
)

// noProxy is what stays in the machine. Names without a dot are the machine's own; some programs know *.localhost, some 127.0.0.0/8.
const noProxy = "localhost,127.0.0.1,127.0.0.0/8,::1,.localhost"

func (e *Egress) trustPath() string { return filepath.Join(e.dir, "trust.pem") }

// variables are what every shell has while the way out is open, files included. All that programs need is in them, so that nothing is left when
// it is closed.
func (e *Egress) variables(now status, asked order) (map[string]string, error) {
	vars := map[string]string{
		"LMS_COMPUTER_EGRESS": now.Proxy,
		"no_proxy":            noProxy,
		"NO_PROXY":            noProxy,
		// Node's own fetch and http, from version 24 on.
		"NODE_USE_ENV_PROXY": "1",
	}
	// Not socks5h in all_proxy: programs that know SOCKS only with another library in place then fail for http, too.
	for _, name := range []string{"http_proxy", "https_proxy", "ftp_proxy", "all_proxy"} {
		vars[name], vars[strings.ToUpper(name)] = now.Proxy, now.Proxy
	}
	maps.Copy(vars, asked.Env)
	if asked.Trust == "" {
		return vars, nil
	}
	if err := own.Directory(e.dir); err != nil {
		return nil, wire.FromOS(err, e.dir)
	}
	bundle, apt := e.trustPath(), filepath.Join(e.dir, "apt.conf")
	files := map[string]string{
		bundle: withOwnTrust(asked.Trust),
		// apt's https takes no variable.
		apt: "Acquire::https::CAInfo \"" + bundle + "\";\n",
	}
	for path, text := range files {
		if err := own.Write(path, []byte(text)); err != nil {
			return nil, wire.FromOS(err, path)
		}
	}
	// apt fetches as its own user, and any user of the machine may want to trust.
	for path, mode := range map[string]os.FileMode{e.dir: 0o755, bundle: 0o644, apt: 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			return nil, wire.FromOS(err, path)
		}
	}
	vars["APT_CONFIG"] = apt
	for _, name := range []string{
		"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "npm_config_cafile",
		"CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE", "DENO_CERT", "NIX_SSL_CERT_FILE",
	} {
		vars[name] = bundle
	}
	return vars, nil
}

// withOwnTrust adds what the machine's own system trusts, which a variable that names another file would take away.
func withOwnTrust(trust string) string {
	seen := map[string]bool{}
	for _, certificate := range certificates(trust) {
		seen[certificate] = true
	}
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"} {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		data, err := own.Read(real, maxTrustBytes)
		if err != nil {
			continue
		}
		for _, certificate := range certificates(string(data)) {
			if !seen[certificate] {
				trust += pemBegin + certificate + pemEnd + "\n"
			}
		}
		break
	}
	return trust
}

const (
	pemBegin = "-----BEGIN CERTIFICATE-----"
	pemEnd   = "-----END CERTIFICATE-----"
)

// certificates are what is between the lines that say so.
func certificates(text string) (all []string) {
	for {
		_, rest, found := strings.Cut(text, pemBegin)
		if !found {
			return all
		}
		var certificate string
		if certificate, text, found = strings.Cut(rest, pemEnd); !found {
			return all
		}
		all = append(all, certificate)
	}
}

package boot

import (
	"strings"
	"testing"
)

const goodSpec = `{"directory":"/var/lib/lms-computer/namespace/a","name":"a","hostname":"lms-computer","cpus":2,"memoryBytes":1,"pids":1,"network":"none","env":{"A":"b"}}`

func TestSpec(t *testing.T) {
	for name, test := range map[string]struct{ old, new, code string }{
		"as the driver sends it":      {"", "", ""},
		"unknown fields are ignored":  {`"cpus":2`, `"cpus":2,"later":true`, ""},
		"no limits":                   {`"cpus":2,"memoryBytes":1,"pids":1`, `"cpus":0,"memoryBytes":0,"pids":0`, ""},
		"a name that climbs":          {`"name":"a"`, `"name":".."`, "invalid_argument"},
		"a host name with a newline":  {`"hostname":"lms-computer"`, `"hostname":"a\nb"`, "invalid_argument"},
		"a relative directory":        {`"directory":"/`, `"directory":"`, "invalid_argument"},
		"a directory that climbs":     {`"directory":"/var`, `"directory":"/var/../etc`, "invalid_argument"},
		"the root":                    {`/var/lib/lms-computer/namespace/a`, `/`, "invalid_argument"},
		"a path too long for sockets": {`/var/lib`, "/" + strings.Repeat("x", 90), "invalid_argument"},
		"a network":                   {`"network":"none"`, `"network":"open"`, "not_supported"},
		"negative CPUs":               {`"cpus":2`, `"cpus":-1`, "invalid_argument"},
		"negative memory":             {`"memoryBytes":1`, `"memoryBytes":-1`, "invalid_argument"},
		"NUL in the environment":      {`"A":"b"`, `"A":"b\u0000"`, "invalid_argument"},
		"= in a name of a variable":   {`"A":"b"`, `"A=":"b"`, "invalid_argument"},
		"not JSON":                    {`{`, `[`, "invalid_argument"},
		"too much":                    {`"A":"b"`, `"A":"` + strings.Repeat("x", maxSpecBytes) + `"`, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseSpec(strings.NewReader(strings.Replace(goodSpec, test.old, test.new, 1)))
			if code := codeOf(err); code != test.code {
				t.Fatalf("got code %q (%v), expected %q", code, err, test.code)
			}
		})
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return asFailure(err).Code
}

func FuzzParseSpec(f *testing.F) {
	f.Add([]byte(goodSpec))
	f.Add([]byte(`{"env":null,"cpus":1e309}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := parseSpec(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		if strings.ContainsAny(spec.Name, "/\x00") || strings.ContainsAny(spec.Hostname, "\n\x00") || len(spec.Directory) > maxSocketPath {
			t.Fatalf("let %+v through", spec)
		}
		for _, entry := range environment(spec.Env) {
			if strings.Contains(entry, "\x00") || !strings.Contains(entry, "=") {
				t.Fatalf("made the variable %q", entry)
			}
		}
	})
}

package info

import (
	"strings"

	"lms-computer/guest/internal/machine"
)

type release struct{ name, id, version string }

// osRelease reads the two places of os-release(5), the first that exists.
func osRelease(root string) release {
	text := string(machine.ReadSmall(root, "etc/os-release"))
	if text == "" {
		text = string(machine.ReadSmall(root, "usr/lib/os-release"))
	}
	return parseRelease(text)
}

// parseRelease reads os-release(5): shell assignments, the values quoted or not. The format's defaults stand in for what is missing.
func parseRelease(text string) release {
	is := release{id: "linux"}
	plain := ""
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found {
			continue
		}
		value = unquote(value)
		switch name {
		case "PRETTY_NAME":
			is.name = value
		case "NAME":
			plain = value
		case "ID":
			is.id = value
		case "VERSION_ID":
			is.version = value
		}
	}
	if is.name == "" {
		is.name = strings.TrimSpace(plain + " " + is.version)
	}
	if is.name == "" {
		is.name = "Linux"
	}
	return is
}

// unquote undoes a shell's quotes around a whole value, and in double quotes its backslashes.
func unquote(value string) string {
	if len(value) < 2 || value[0] != value[len(value)-1] {
		return value
	}
	inner := value[1 : len(value)-1]
	switch value[0] {
	case '\'':
		return inner
	case '"':
		var b strings.Builder
		for i := 0; i < len(inner); i++ {
			if inner[i] == '\\' && i+1 < len(inner) && strings.IndexByte("\"\\$`", inner[i+1]) >= 0 {
				i++
			}
			b.WriteByte(inner[i])
		}
		return b.String()
	}
	return value
}

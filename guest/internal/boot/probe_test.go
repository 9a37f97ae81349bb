package boot

import (
	"strings"
	"syscall"
	"testing"
)

func TestARefusalNamesItsReasonAndTheWayOut(t *testing.T) {
	for name, test := range map[string]struct {
		root              bool
		set, to, says, do string
	}{
		"AppArmor":     {false, "kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor", "kernel.apparmor_restrict_unprivileged_userns=0"},
		"none allowed": {false, "user/max_user_namespaces", "0", "user.max_user_namespaces is 0", "user.max_user_namespaces=10000"},
		"Debian's":     {false, "kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone is 0", "kernel.unprivileged_userns_clone=1"},
		"a container":  {false, "", "", "not permitted", "seccomp"},
		"root in one":  {true, "user/max_user_namespaces", "0", "root", "CAP_SYS_ADMIN"},
	} {
		t.Run(name, func(t *testing.T) {
			failure := explain(syscall.EPERM, test.root, func(name string) string {
				if name == test.set {
					return test.to
				}
				return ""
			})
			if failure.Code != "driver_unavailable" || !strings.Contains(failure.Message, test.says) || !strings.Contains(failure.Hint, test.do) {
				t.Fatalf("got %+v", failure)
			}
		})
	}
}

func TestReleases(t *testing.T) {
	for release, want := range map[string]bool{"5.14.0-70.el9": true, "5.13.19": false, "6.1.0-18-amd64": true, "4.19": false, "": false} {
		if atLeastRelease(release, 5, 14) != want {
			t.Errorf("%q: got %v", release, !want)
		}
	}
}

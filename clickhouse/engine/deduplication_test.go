package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestForgetUnwritten(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "store", "abc", "abc-1")
	logs := filepath.Join(table, "deduplication_logs")
	for _, name := range []string{"202611_1_3_1", "202611_4_4_0", "202610_9_9_0_12", "tmp_insert_202611_5_5_0", "detached", "deduplication_logs"} {
		if err := os.MkdirAll(filepath.Join(table, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(logs, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(logs, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	older := "1\t202611_1_1_0\ta\n1\t202611_2_2_0\tb\n1\t202610_9_9_0\tc\n1\t202609_1_1_0\tgone\n2\t202609_1_1_0\tgone\n"
	newer := "1\t202611_4_4_0\td\n1\t202611_5_5_0\tlost\n1\t202611_5_5_0\tlost too\n"
	write("deduplication_log_9.txt", older)
	write("deduplication_log_10.txt", newer+"1\t202611_6")

	for _, want := range []int{2, 0} { // the second time there is nothing left to forget
		n, err := forgetUnwritten(dir)
		if err != nil || n != want {
			t.Fatalf("forgot %d, %v, want %d", n, err, want)
		}
		if got := read("deduplication_log_9.txt"); got != older {
			t.Errorf("the older file is %q", got)
		}
		if got, want := read("deduplication_log_10.txt"), newer+"2\t202611_5_5_0\tlost\n2\t202611_5_5_0\tlost too\n"; got != want {
			t.Errorf("the newer file is %q, want %q", got, want)
		}
	}

	write("deduplication_log_11.txt", "what is this\n")
	if _, err := forgetUnwritten(dir); err == nil || !strings.Contains(err.Error(), "deduplication_log_11.txt") {
		t.Errorf("a file of another form: %v, want its name", err)
	}
	if n, err := forgetUnwritten(t.TempDir()); n != 0 || err != nil {
		t.Errorf("a new directory: %d, %v", n, err)
	}
}

package engine

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStatement(t *testing.T) {
	type result struct {
		Text                        string
		Insert, Read, Session, Data bool
		Inline, File                string // File: the statement with its rows from f
	}
	for _, tt := range []struct {
		name, sql string
		want      result
	}{
		{"select", "SELECT 1", result{Text: "SELECT 1", Read: true}},
		{"in brackets", "(SELECT 1)", result{Text: "(SELECT 1)", Read: true}},
		{"closing semicolons", "SELECT 1 ; ; -- done", result{Text: "SELECT 1 ", Read: true}},
		{"semicolons that end nothing", "SELECT ';', \";\", `;`, $a$;$a$ /* ; */ -- ;\n# ;\n, '\\';', ''';'", result{Text: "SELECT ';', \";\", `;`, $a$;$a$ /* ; */ -- ;\n# ;\n, '\\';', ''';'", Read: true}},
		{"comment first", "/* INSERT */ -- x\nshow tables", result{Text: "/* INSERT */ -- x\nshow tables", Read: true}},
		{"set", "set a = 1", result{Text: "set a = 1", Session: true}},
		{"temporary", "CREATE TEMPORARY TABLE t (a Int8)", result{Text: "CREATE TEMPORARY TABLE t (a Int8)", Session: true}},
		{"ddl", "ALTER TABLE t DELETE WHERE 1", result{Text: "ALTER TABLE t DELETE WHERE 1"}},
		{"native", "INSERT INTO t (a, format) FORMAT Native", result{Text: "INSERT INTO t (a, format) FORMAT Native", Insert: true, Data: true, File: "INSERT INTO t (a, format)  FROM INFILE 'f' FORMAT Native"}},
		{"settings", "insert into db.t settings a = 1, b = 'FORMAT' format CSV ;\n", result{Text: "insert into db.t settings a = 1, b = 'FORMAT' format CSV", Insert: true, Data: true, File: "insert into db.t  FROM INFILE 'f' settings a = 1, b = 'FORMAT' format CSV"}},
		{"keywords for names", "INSERT INTO format.settings (`values`) FORMAT TSV", result{Text: "INSERT INTO format.settings (`values`) FORMAT TSV", Insert: true, Data: true, File: "INSERT INTO format.settings (`values`)  FROM INFILE 'f' FORMAT TSV"}},
		{"table function", "INSERT INTO FUNCTION file('x') FORMAT CSV", result{Text: "INSERT INTO FUNCTION file('x') FORMAT CSV", Insert: true, Data: true, File: "INSERT INTO FUNCTION file('x')  FROM INFILE 'f' FORMAT CSV"}},
		{"no format", "INSERT INTO t", result{Text: "INSERT INTO t", Insert: true, Data: true, File: "INSERT INTO t FROM INFILE 'f'  FORMAT F"}},
		{"inline rows", "INSERT INTO t FORMAT JSONEachRow {\"a\":\";\"}; not SQL '", result{Text: "INSERT INTO t FORMAT JSONEachRow", Insert: true, Data: true, Inline: "{\"a\":\";\"}; not SQL '", File: "INSERT INTO t  FROM INFILE 'f' FORMAT JSONEachRow"}},
		{"inline rows below", "INSERT INTO t FORMAT TSV\n\tx\n", result{Text: "INSERT INTO t FORMAT TSV", Insert: true, Data: true, Inline: "\tx\n", File: "INSERT INTO t  FROM INFILE 'f' FORMAT TSV"}},
		{"values", "INSERT INTO t VALUES (1, ';'), (2, 'FORMAT')", result{Text: "INSERT INTO t VALUES (1, ';'), (2, 'FORMAT')", Insert: true}},
		{"values apart", "INSERT INTO t (a) VALUES", result{Text: "INSERT INTO t (a) ", Insert: true, Data: true, File: "INSERT INTO t (a)  FROM INFILE 'f'  FORMAT F"}},
		{"insert select", "INSERT INTO t SELECT 1 AS format FORMAT Native", result{Text: "INSERT INTO t SELECT 1 AS format FORMAT Native", Insert: true}},
		{"insert from a file", "INSERT INTO t FROM INFILE 'x' FORMAT CSV", result{Text: "INSERT INTO t FROM INFILE 'x' FORMAT CSV", Insert: true}},
		{"open string", "SELECT 'x", result{Text: "SELECT 'x", Read: true}},
		{"open comment", "SELECT 1 /* x", result{Text: "SELECT 1 /* x", Read: true}},
		{"nothing", " \n", result{Text: " \n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parseStatement(tt.sql)
			if err != nil {
				t.Fatal(err)
			}
			got := result{Text: s.text, Insert: s.insert, Read: s.read, Session: s.session, Data: s.takesData, Inline: s.data}
			if s.takesData {
				got.File = s.fromFile("f", "F")
			}
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Errorf("%s (-got +want):\n%s", tt.sql, diff)
			}
		})
	}
	for _, sql := range []string{"SELECT 1; DROP TABLE t", "INSERT INTO t VALUES (1); SELECT 2", "SELECT '\\\\'; SELECT 1", "INSERT INTO t FORMAT"} {
		_, err := parseStatement(sql)
		var exception *Exception
		if !errors.As(err, &exception) || exception.Code != codeSyntaxError {
			t.Errorf("%s: got %v, want a syntax error", sql, err)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	for _, sql := range []string{"SELECT 1;", "INSERT INTO t (a) SETTINGS x = 1 FORMAT CSV\n1", "SELECT $a$ $a$", "INSERT INTO t VALUES", "'\\", "/*", "INSERT INTO t FORMAT"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s, err := parseStatement(sql)
		if err != nil {
			return
		}
		if s.takesData && (s.fileAt < 0 || s.fileAt > len(s.text)) {
			t.Errorf("%q: rows belong at %d of %d", sql, s.fileAt, len(s.text))
		}
	})
}

func TestParseException(t *testing.T) {
	for _, tt := range []struct {
		text         string
		code, status int
	}{
		{"Code: 60. DB::Exception: Unknown table expression identifier 'x'. (UNKNOWN_TABLE)", 60, 404},
		{"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n", 241, 500},
		{"bgClickHouseLocal Code: 76. DB::Exception: Cannot lock file", 76, 400},
		{"something else", 1002, 500},
		{"", 1002, 500},
	} {
		got := parseException(tt.text)
		if got.Code != tt.code || got.status() != tt.status {
			t.Errorf("%q: code %d, status %d, want %d, %d", tt.text, got.Code, got.status(), tt.code, tt.status)
		}
	}
}

func TestSettingStatements(t *testing.T) {
	set, reset := settingStatements(map[string]string{"max_threads": "1", "insert_deduplication_token": `a'b\`, "log_comment": "x"}, "weir-7")
	if want := `SET log_comment='weir-7', insert_deduplication_token='a\'b\\', max_threads='1'`; set != want {
		t.Errorf("set = %s, want %s", set, want)
	}
	if want := `SET log_comment='', insert_deduplication_token=DEFAULT, max_threads='2'`; reset != want {
		t.Errorf("reset = %s, want %s", reset, want)
	}
}

package httperr

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
)

// Every code declared in llm/error.go has a row: a code without one would answer 500.
func TestEveryCodeHasARow(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../llm/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || !strings.HasPrefix(lit.Value, `"weir_`) {
			return true
		}
		codes++
		if _, ok := table[llm.Code(strings.Trim(lit.Value, `"`))]; !ok {
			t.Errorf("%s has no row in the table", lit.Value)
		}
		return true
	})
	if codes < 15 {
		t.Fatalf("found %d codes in llm/error.go: the test looks in the wrong place", codes)
	}
}

func TestWriteSpeaksTheDialect(t *testing.T) {
	fault := &llm.Fault{Code: llm.BudgetExceeded, Message: "the budget is spent", RetryAfter: 1500 * time.Millisecond}
	rec := httptest.NewRecorder()
	Write(rec, fault, llm.OpenAI)
	if rec.Code != 429 || rec.Header().Get("Retry-After") != "2" || rec.Header().Get("X-Should-Retry") != "false" {
		t.Errorf("status %d, headers %v", rec.Code, rec.Header())
	}
	var openai struct {
		Error struct{ Message, Type, Code string }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &openai); err != nil || openai.Error.Code != "weir_budget_exceeded" {
		t.Errorf("%s: %v", rec.Body, err)
	}
	rec = httptest.NewRecorder()
	Write(rec, llm.Faultf(llm.ModelUnknown, "no such model"), llm.Anthropic)
	var anthropic struct {
		Type  string
		Error struct{ Type, Message, Code string }
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &anthropic); err != nil || anthropic.Type != "error" || anthropic.Error.Type != "not_found_error" {
		t.Errorf("%s: %v", rec.Body, err)
	}
}

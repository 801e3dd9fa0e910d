package tokens

import (
	"encoding/csv"
	"os"
	"testing"
)

func TestFor(t *testing.T) {
	tests := []struct {
		model string
		enc   Encoding
		known bool
	}{
		{"gpt-4o", O200k, true},
		{"gpt-4o-mini-2024-07-18", O200k, true},
		{"gpt-4.1-nano", O200k, true},
		{"gpt-4.5-preview", O200k, true},
		{"gpt-5", O200k, true},
		{"gpt-5.4-pro", O200k, true},
		{"gpt-6.2-astra", O200k, true},
		{"o1", O200k, true},
		{"o3-deep-research-2025-06-26", O200k, true},
		{"o4-mini", O200k, true},
		{"chatgpt-4o-latest", O200k, true},
		{"gpt-oss-120b", O200k, true},
		{"gpt-4", CL100k, true},
		{"gpt-4-0613", CL100k, true},
		{"gpt-4-32k", CL100k, true},
		{"gpt-4-turbo-2024-04-09", CL100k, true},
		{"gpt-3.5-turbo-instruct", CL100k, true},
		{"gpt-35-turbo-16k", CL100k, true},
		{"text-embedding-3-large", CL100k, true},
		{"text-embedding-ada-002", CL100k, true},
		{"openai/gpt-4", CL100k, true},
		{"azure/eu/GPT-4o", O200k, true},
		{"openrouter/openai/gpt-3.5-turbo:free", CL100k, true},
		{"openai.gpt-oss-120b-1:0", O200k, true},
		{"ft:gpt-3.5-turbo-0125:acme::9x", CL100k, true},
		{"openai/ft:gpt-4o-2024-08-06:acme/eu:gpt-4:id", O200k, true},
		{"gpt-4@0613", CL100k, true},
		{" gpt-4 ", CL100k, true},

		{"gpt-4.2", O200k, false},
		{"gpt-40", O200k, false},
		{"o1x", O200k, false},
		{"o3x-mini", O200k, false},
		{"claude-sonnet-4-5", O200k, false},
		{"anthropic/claude-3-5-haiku", O200k, false},
		{"gpt-image-1", O200k, false},
		{"text-davinci-003", O200k, false},
		{"my-gpt-4", O200k, false},
		{"", O200k, false},
		{"ft:", O200k, false},
		{"/", O200k, false},
	}
	for _, tt := range tests {
		if enc, known := For(tt.model); enc != tt.enc || known != tt.known {
			t.Errorf("For(%q) = %s, %v, want %s, %v", tt.model, enc, known, tt.enc, tt.known)
		}
	}
}

// testdata/models.csv names the vocabulary of each model in the price book; provider stands for one that is not public.
func TestForAgreesWithPriceBook(t *testing.T) {
	file, err := os.Open("testdata/models.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 500 {
		t.Fatalf("only %d rows", len(rows))
	}
	for _, row := range rows[1:] {
		want, wantKnown := Encoding(row[1]), true
		if row[1] == "provider" {
			want, wantKnown = O200k, false
		}
		if got, known := For(row[0]); got != want || known != wantKnown {
			t.Errorf("For(%q) = %s, %v, want %s, %v", row[0], got, known, want, wantKnown)
		}
	}
}

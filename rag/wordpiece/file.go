package wordpiece

import (
	"encoding/json"
	"fmt"
)

// file is what is read of a tokenizer.json.
type file struct {
	Added []struct {
		ID      uint32 `json:"id"`
		Content string `json:"content"`
	} `json:"added_tokens"`
	Normalizer struct {
		Type      string `json:"type"`
		Clean     *bool  `json:"clean_text"`
		Han       *bool  `json:"handle_chinese_chars"`
		NoAccents *bool  `json:"strip_accents"` // as Lower where it does not say
		Lower     *bool  `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	PostProcessor *processor `json:"post_processor"`
	Model         struct {
		Type     string            `json:"type"`
		Unknown  string            `json:"unk_token"`
		Prefix   string            `json:"continuing_subword_prefix"`
		MaxChars int               `json:"max_input_chars_per_word"`
		Vocab    map[string]uint32 `json:"vocab"`
	} `json:"model"`
}

// processor says what is put about a text, in one of three ways.
type processor struct {
	Type   string `json:"type"`
	CLS    named  `json:"cls"`
	SEP    named  `json:"sep"`
	Single []struct {
		Special *struct {
			ID string `json:"id"`
		} `json:"SpecialToken"`
		Sequence *struct{} `json:"Sequence"`
	} `json:"single"`
	Special map[string]struct {
		IDs []uint32 `json:"ids"`
	} `json:"special_tokens"`
}

// named is a token and its id, as a list of the two.
type named struct{ id uint32 }

// UnmarshalJSON reads ["[CLS]", 101].
func (n *named) UnmarshalJSON(text []byte) error {
	var content string
	return json.Unmarshal(text, &[]any{&content, &n.id})
}

// around gives the tokens before and after a text.
func (p *processor) around() (before, after []uint32, err error) {
	switch {
	case p == nil:
		return nil, nil, nil
	case p.Type == "BertProcessing", p.Type == "RobertaProcessing":
		return []uint32{p.CLS.id}, []uint32{p.SEP.id}, nil
	case p.Type != "TemplateProcessing":
		return nil, nil, fmt.Errorf("it ends texts by %q, which is not known", p.Type)
	}
	into := &before
	for _, part := range p.Single {
		switch {
		case part.Sequence != nil:
			into = &after
		case part.Special != nil:
			special, ok := p.Special[part.Special.ID]
			if !ok {
				return nil, nil, fmt.Errorf("its template has %q, which is not among its special_tokens", part.Special.ID)
			}
			*into = append(*into, special.IDs...)
		}
	}
	return before, after, nil
}

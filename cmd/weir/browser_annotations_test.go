package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// press strikes a key where the focus is.
func (p *tab) press(t *testing.T, key string) {
	t.Helper()
	read[bool](t, p, `(document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', {key: `+quoteJS(key)+`, bubbles: true, cancelable: true})) || true`)
}

// annotating makes a queue, puts calls into it and scores them by keys alone; then a judge's scores are held against what was said.
func annotating(t *testing.T, p *tab, w *service, axe string, ids []string) {
	t.Helper()
	p.open(t, "/scores/annotate")
	p.shows(t, "No queue yet")
	p.examine(t, "/scores/annotate without any", axe)
	p.clickText(t, "main button", "New queue")
	p.until(t, `document.querySelector('dialog [name=questions]')`)
	p.write(t, "dialog [name=queue]", "look")
	p.write(t, "dialog [name=questions]", "what is this")
	p.until(t, `document.querySelector('dialog .wrong') && document.querySelector('dialog .btn.primary').disabled`)
	p.write(t, "dialog [name=questions]", "helpful: 0..1\ntone: warm | curt | "+hostile[1])
	p.write(t, "dialog [name=instructions]", hostile[0])
	p.accessible(t, "the form of a queue", axe)
	p.clickText(t, "dialog button", "Make it")
	p.until(t, `location.pathname === '/scores/annotate/look'`)
	p.shows(t, "The queue is empty")
	p.accessible(t, "an empty queue", axe)

	for _, id := range ids[:2] {
		p.open(t, "/calls/"+id)
		p.clickText(t, "main button", "Queue")
		p.until(t, `document.querySelector('dialog [name=queue]')?.value === 'look'`)
		p.clickText(t, "dialog button", "Add it")
		p.until(t, `!document.querySelector('dialog[open]')`)
	}
	w.post(t, http.MethodPost, "/annotations/look/items", fmt.Sprintf(`{"call_ids":[%q]}`, ids[2]), http.StatusCreated, nil)

	p.open(t, "/scores/annotate/look")
	at := func(id string) string { return `document.querySelector('[data-review="` + id + `"] .msg')` }
	p.until(t, at(ids[0]))
	p.shows(t, "3 left")
	p.examine(t, "a review", axe)
	p.press(t, "Enter") // nothing is answered
	p.until(t, `document.querySelector('.asked.bad')?.dataset.question === 'helpful'`)
	p.press(t, "1")
	p.until(t, `document.querySelector('[data-here=true]').dataset.question === 'tone'`)
	p.press(t, "2")
	p.press(t, "Enter")
	p.until(t, at(ids[1]))
	p.press(t, "s")
	p.until(t, at(ids[2]))
	p.press(t, "0")
	p.press(t, "3")
	p.until(t, `document.querySelectorAll('.asked [aria-pressed=true]').length === 2`)
	p.press(t, "Enter")
	p.shows(t, "Nothing is left for you")
	p.examine(t, "a queue that is done", axe)
	p.harmless(t, "a review")
	var given struct {
		Scores []struct {
			CallID string `json:"call_id"`
			Name   string
			Value  any
		}
	}
	w.get(t, "/scores?source=human&config_version=queue:look", &given)
	said := map[string]any{}
	for _, s := range given.Scores {
		said[s.CallID+" "+s.Name] = s.Value
	}
	if len(said) != 4 || said[ids[0]+" helpful"] != 1.0 || said[ids[0]+" tone"] != "curt" || said[ids[2]+" helpful"] != 0.0 || said[ids[2]+" tone"] != strings.TrimSpace(hostile[1]) {
		t.Errorf("the keys gave %+v", said)
	}
	p.open(t, "/scores/annotate")
	p.until(t, `document.querySelectorAll('[data-queues] tbody tr').length === 1`)
	p.examine(t, "/scores/annotate", axe)
	agreeing(t, p, w, axe)
}

// agreeing holds scores against each other: numbers, words, and what cannot be compared.
func agreeing(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	var got struct {
		Pairs   int
		Classes *struct{ Agreement float64 }
	}
	w.get(t, "/scores/agreement?a=helpful:judge&b=helpful:human", &got)
	if got.Pairs != 2 {
		t.Errorf("%+v", got)
	}
	p.open(t, "/scores/agreement?a=helpful:judge&b=helpful:human")
	p.until(t, `document.querySelector('[data-pairs="2"]') && document.querySelectorAll('.pair-dot').length === 2`)
	p.examine(t, "/scores/agreement of numbers", axe)
	p.clickText(t, "main button", "Table")
	p.until(t, `document.querySelectorAll('[aria-label="Pairs, table"] tbody tr').length === 2`)
	p.open(t, "/scores/agreement?a=tone:api&b=tone:human")
	p.until(t, `document.querySelector('[data-pairs="2"]') && document.querySelectorAll('[data-matrix] .cell').length >= 4 && document.querySelectorAll('[data-apart] tbody tr').length >= 1`)
	p.examine(t, "/scores/agreement of words", axe)
	p.open(t, "/scores/agreement?a=helpful:judge&b=thumbs:api")
	p.shows(t, "a threshold makes yes and no of numbers")
	p.refusedOnce(t, "what cannot be compared")
	p.write(t, "[name=threshold]", "0.5")
	read[bool](t, p, `document.querySelector('[name=threshold]').dispatchEvent(new Event('change', {bubbles: true}))`) // as when one leaves the field
	p.until(t, `document.querySelector('[data-pairs="30"]') && document.querySelector('[data-figure=kappa]')`)
	p.harmless(t, "/scores/agreement")
}

package simulator

import (
	"slices"
	"time"
)

// app is one application of the make-believe company whose calls the history and the live traffic are made of.
type app struct {
	project string
	team    string
	keys    []string // names of its virtual keys, the busiest first
	share   float64  // of all calls
	weekend float64  // of a weekday's calls on a day of the weekend
	hours   [24]float64

	users    int     // 0: a machine asks
	who      string  // begins their names
	turns    float64 // mean length of a conversation; 0: no sessions
	stream   float64 // share of streams
	exact    float64 // share of first turns answered from the exact cache
	semantic float64 // and from the semantic one

	prompt   string          // name of its prompt template
	versions []promptVersion // the texts it had, the first first
	models   []appModel
	embeds   string // an embedding model asked before each answer; empty: none

	system    string
	lead      string   // opens the context of a question
	questions []string // with places in braces, see slots
	slots     map[string][]string
	subject   string   // the slot that names what a question is about
	article   string   // before that name
	facts     []string // sentences that answer its questions, in a passage each; empty: answers come from the corpus
	topics    []string // of the answers and of the context
	context   float64  // median number of passages with a question; 0: none
	sentences [2]int   // least and most in an answer
	json      []string // answers that are objects; empty: prose
}

// promptVersion is one text of an application's prompt: the app's system message, and what this version adds to it.
type promptVersion struct {
	from    float64 // when it came, as a part of the history: 0 is its beginning, 1 its end; after 1 it has not come yet
	note    string  // with the space before it
	message string  // why it was made
	author  string
	length  float64 // of its answers, of those of the first version
}

// appModel is a model an app uses from one time of the history to another.
type appModel struct {
	id, provider string
	from, to     float64 // 0 is the history's beginning, 1 its end
	weight       float64
}

// The shapes of a day, by hour in UTC.
var (
	office = [24]float64{.02, .01, .01, .01, .02, .06, .25, .6, .95, 1.1, 1.15, 1, .75, .9, 1.1, 1.05, .85, .55, .35, .22, .15, .1, .06, .04}
	public = [24]float64{.18, .12, .09, .08, .1, .2, .42, .65, .85, .95, 1, 1, .95, .95, 1, 1, 1, 1.02, 1.05, 1.1, 1.05, .85, .55, .32}
	night  = [24]float64{0, 6, 9, 6, 2, 0, 0, 0, 0, 0, 0, 0, .2, 0, 0, 0, 0, 0, 0, 0, 0, 0, .3, 0}
)

// switchAt is where in the history the support bot changes from gpt-4o to a model a sixth of the price.
const switchAt = .55

// incident is the afternoon on which one provider does badly.
type incident struct {
	provider   string
	start, end time.Time
}

// incidentBefore places the incident nine days before the history ends, on a weekday.
func incidentBefore(now time.Time) incident {
	day := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -9)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	return incident{"openai", day.Add(13*time.Hour + 40*time.Minute), day.Add(15*time.Hour + 25*time.Minute)}
}

func (i incident) holds(provider string, t time.Time) bool {
	return provider == i.provider && !t.Before(i.start) && t.Before(i.end)
}

// incidents are those of a history.
type incidents []incident

func (l incidents) holds(provider string, t time.Time) bool {
	return slices.ContainsFunc(l, func(i incident) bool { return i.holds(provider, t) })
}

var things = map[string][]string{
	"product": {"espresso machine", "desk lamp", "winter jacket", "headphones", "garden hose", "bike helmet", "office chair", "water filter", "backpack", "e-reader", "toaster", "rain boots"},
	"plan":    {"Basic", "Plus", "Team", "Business"},
	"problem": {"arrived broken", "does not switch on", "is the wrong size", "makes a strange noise", "was never delivered", "lost its charger", "came in the wrong colour"},
	"file":    {"parser.py", "scheduler.go", "checkout.ts", "auth.py", "queue.go", "report.ts", "cache.go", "loader.py"},
	"fault":   {"KeyError", "a nil pointer panic", "a deadlock", "an off-by-one", "a memory leak", "a flaky test", "a race", "a type error", "a timeout"},
	"service": {"checkout", "billing", "search", "ingest", "mail", "login"},
	"subject": {"travel expenses", "parental leave", "the on-call rota", "laptop replacement", "data retention", "incident reviews", "access requests", "supplier contracts", "code review", "the release calendar", "remote work", "backup restores"},
	"metric":  {"retention", "conversion", "cost per order", "average basket", "churn", "sign-ups"},
	"day":     {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"},
}

// apps are the applications, the busiest first.
var apps = []app{
	{
		project: "support-bot", team: "support", keys: []string{"web-widget", "email-triage"}, share: .42, weekend: .55, hours: public,
		users: 1800, who: "user", turns: 3.2, stream: .88, exact: .1, semantic: .06, prompt: "support-answer",
		versions: []promptVersion{
			{0, "", "What the help centre's style guide says.", "jonas", 1},
			{.3, " Be brief.", "Most customers read this on a phone.", "jonas", .95},
			{.7, " Say first what to do next and then why, in at most four sentences.", "The next step first: people asked \"and what now?\" in one answer of five.", "lena", .8},
			{2, " Answer briefly, in two sentences at most, and offer to explain.", "Two sentences are enough for most. Half the tokens.", "lena", .5},
		},
		models: []appModel{
			{"gpt-4o", "openai", 0, switchAt, .9},
			{"gpt-4.1-mini", "openai", switchAt, 1, .9},
			{"claude-haiku-4-5", "anthropic", 0, 1, .1},
		},
		system: "You answer customers of Brookside, an online shop for home and outdoor goods. Be friendly and precise, never promise a date you do not know, and say which page of the account shows what you talk about. Refunds go back to the card that paid. Returns are free within thirty days. Hand over to a person when the customer asks for one twice.",
		questions: []string{
			"Where is my order {order}? It should have been here on {day}.", "My {product} {problem}. What can I do?", "Can I still change the delivery address of {order}?",
			"How do I return the {product} I bought last week?", "I was charged twice for {order}, please look into it.", "How do I cancel my {plan} plan?",
			"Is the {product} covered by the warranty if it {problem}?", "I forgot my password and the reset mail does not arrive.", "Which invoice belongs to {order}?",
			"What is the difference between {plan} and {plan}?", "The {product} {problem} and I need a replacement before {day}.", "Do you ship the {product} to Switzerland?",
		},
		slots: things, subject: "product", article: "the ", topics: []string{"support"}, sentences: [2]int{2, 7},
	},
	{
		project: "doc-search", team: "knowledge", keys: []string{"intranet", "slack-app"}, share: .2, weekend: .15, hours: office,
		users: 420, who: "staff", turns: 1.4, stream: .7, exact: .16, semantic: .1, prompt: "rag-answer",
		versions: []promptVersion{
			{0, "", "Cite by number, say so when nothing fits.", "lena", 1},
			{.45, " Be brief.", "Nobody read the third sentence.", "lena", .9},
		},
		models: []appModel{{"gpt-4o-mini", "openai", 0, 1, .8}, {"gemini-3.5-flash", "gemini", .25, 1, .2}},
		embeds: "text-embedding-3-small",
		system: "Answer from the passages only and cite them by their number in square brackets. If the passages do not answer the question, say so.",
		lead:   "Context:\n",
		questions: []string{
			"Question: What are the rules for {subject}?", "Question: Who approves {subject}?", "Question: How long does {subject} take?", "Question: Where do I find the form for {subject}?",
			"Question: What changed about {subject} this year?", "Question: Does the policy on {subject} apply to contractors?", "Question: Who do I ask about {subject} in the {service} team?",
		},
		slots: things, subject: "subject", topics: []string{"general", "ops", "data"}, context: 5, sentences: [2]int{1, 3},
		facts: []string{
			"The policy on {a} was last changed on {day} and applies to everyone, contractors included.", "Requests about {a} are approved by the team lead within {n} working days.",
			"The form for {a} is on the intranet under Policies, and questions go to the people team.",
		},
	},
	{
		project: "code-assistant", team: "platform", keys: []string{"ide-plugin", "ci-review"}, share: .16, weekend: .07, hours: office,
		users: 64, who: "dev", turns: 5.5, stream: .95, exact: .02, prompt: "code-helper",
		versions: []promptVersion{
			{0, "", "From the platform team's review guide.", "jonas", 1},
			{.62, " Never guess.", "It made up flags of our own tools.", "jonas", 1},
		},
		models: []appModel{{"claude-sonnet-4-5", "anthropic", 0, 1, .6}, {"gpt-5-mini", "openai", 0, 1, .25}, {"o4-mini", "openai", 0, 1, .15}},
		system: "You are a senior engineer who helps colleagues with their code. Answer with the smallest change that solves the problem, show code in fenced blocks, and name the test that would have caught the fault. Keep public signatures as they are unless asked. Prefer the standard library. When something is a matter of taste, say so.",
		lead:   "Here is the code I am looking at.\n\n",
		questions: []string{
			"Why do I get {fault} in {file}?", "Review this change to {file}, please.", "Write a test for {file} that shows {fault}.", "How would you make {file} faster?",
			"Refactor {file} so that the {service} service can use it too.", "Explain what {file} does, line by line.", "The {service} service shows {fault} since {day}, what did I miss?",
		},
		slots: things, subject: "file", topics: []string{"code"}, context: 7, sentences: [2]int{3, 9},
	},
	{
		project: "batch-tagging", team: "data", keys: []string{"nightly-job"}, share: .17, weekend: 1, hours: night,
		exact: .14, prompt: "ticket-tags",
		versions: []promptVersion{
			{0, "", "Three keys, nothing else.", "lena", 1},
			{
				2, " The topic is one of returns, billing, delivery, subscription, warranty and product question; what fits none of them is a product question. " +
					"The urgency is high when money or a delivery is missing or when the customer writes for the second time, low when a question can wait for a week, and else normal. " +
					"The language is the two letters of ISO 639-1 in lower case. Example: a parcel that is late by three days gives delivery, high and en.",
				"Topics were made up now and then: the list is in the prompt from now on.", "jonas", 1,
			},
		},
		models: []appModel{{"gpt-4.1-nano", "openai", 0, 1, 1}},
		system: "Tag the ticket. Reply with a JSON object that has the keys topic, urgency and language, and nothing else.",
		questions: []string{
			"Ticket {order}: My {product} {problem}.", "Ticket {order}: I was charged twice on {day}.", "Ticket {order}: Please cancel the {plan} plan.",
			"Ticket {order}: When will the {product} be back in stock?", "Ticket {order}: The parcel was left in the rain on {day} and the {product} {problem}.",
		},
		slots: things, subject: "product",
		json: []string{
			`{"topic":"returns","urgency":"normal","language":"en"}`, `{"topic":"billing","urgency":"high","language":"en"}`, `{"topic":"delivery","urgency":"high","language":"en"}`,
			`{"topic":"subscription","urgency":"low","language":"en"}`, `{"topic":"product question","urgency":"low","language":"en"}`, `{"topic":"warranty","urgency":"normal","language":"de"}`,
		},
	},
	{
		project: "internal-tools", team: "analytics", keys: []string{"notebooks"}, share: .05, weekend: .1, hours: office,
		users: 35, who: "analyst", turns: 2, stream: .5, prompt: "",
		models: []appModel{{"gpt-5.6-terra", "openai", 0, 1, .35}, {"gemini-3.5-flash", "gemini", 0, 1, .25}, {"house-llm-7b", "house", .5, 1, .3}, {"o4-mini", "openai", 0, 1, .1}},
		system: "You help analysts. Be brief.",
		questions: []string{
			"Summarize last month's {metric} for the board.", "Write a SQL query for {metric} per week.", "Why did {metric} fall on {day}?", "Compare {metric} and {metric} over the quarter.",
			"Draft a mail to the {service} team about {metric}.",
		},
		slots: things, subject: "metric", topics: []string{"data", "writing", "sql"}, sentences: [2]int{2, 8},
	},
}

// Key names one virtual key of the make-believe company.
type Key struct {
	Project, Name string
	ID            string // 12 of [a-z0-9], as history records it
}

// PromptText is one version of a prompt of the make-believe company.
type PromptText struct {
	System  string // the message it consists of
	Message string // why it was made
	Author  string
	From    float64 // when it came, as a part of the history from 0 to 1; above 1: History does not use it by itself
}

// Prompts gives the prompts that History and Traffic use by name, with all their versions, the first first.
func Prompts() map[string][]PromptText {
	out := map[string][]PromptText{}
	for _, a := range apps {
		for _, v := range a.versions {
			out[a.prompt] = append(out[a.prompt], PromptText{a.system + v.note, v.message, v.author, v.from})
		}
	}
	return out
}

// Keys lists the virtual keys that History and Traffic use.
func Keys() []Key {
	var out []Key
	for _, a := range apps {
		for _, name := range a.keys {
			out = append(out, Key{a.project, name, keyID(a.project, name)})
		}
	}
	return out
}

package api

import (
	"net/http"

	"github.com/weir-dev/weir/account"
)

var refParams = []param{{name: "ref", about: "a version's number or a label; production, else the newest version, unless given"}}

var usageParams = []param{
	{name: "since", about: "RFC 3339, a day, or how long ago, such as 7d; 30d unless given"},
	{name: "until", about: "RFC 3339, a day, or how long ago; now unless given"},
}

var diffParams = []param{
	{name: "from", about: "a version's number or a label", required: true},
	{name: "to", about: "a version's number or a label", required: true},
}

var changeParams = []param{{name: "status", about: "only those", enum: []string{"open", "merged", "closed"}}}

// promptRoutes are those of prompts, their labels and change requests.
func (a *API) promptRoutes() []route {
	return []route{
		{
			method: "GET", path: "/prompts", name: "listPrompts", summary: "All prompts by name",
			status: http.StatusOK, out: promptList{}, handle: a.listPrompts,
		},
		{
			method: "POST", path: "/prompts", name: "pushPrompt", role: account.Developer,
			summary: "Store a content as the next version of its prompt; the same content again is the same version",
			in:      newVersion{}, status: http.StatusOK, out: pushed{}, handle: a.pushPrompt,
		},
		{
			method: "GET", path: "/prompts/{name}", name: "getPrompt", summary: "A prompt with its versions, labels and the protection of those",
			status: http.StatusOK, out: promptDetail{}, handle: a.getPrompt,
		},
		{
			method: "GET", path: "/prompts/{name}/fetch", name: "fetchPrompt", params: refParams,
			summary: "The version that a label or a number names, with its content; also as /prompts/NAME@REF. Its ETag, sent back as If-None-Match, is answered with 304 as long as nothing has changed",
			status:  http.StatusOK, out: promptVersion{}, handle: a.fetchPrompt,
		},
		{
			method: "GET", path: "/prompts/{name}/versions/{version}", name: "getPromptVersion", summary: "A version with its content, by its number or a label; with an ETag as fetchPrompt's",
			status: http.StatusOK, out: promptVersion{}, handle: a.getPromptVersion,
		},
		{
			method: "DELETE", path: "/prompts/{name}/versions/{version}", name: "deletePromptVersion", role: account.Developer,
			summary: "Take a version's content away for good; calls that name it are refused, never answered with an older one", status: http.StatusNoContent, handle: a.deletePromptVersion,
		},
		{
			method: "POST", path: "/prompts/{name}/render", name: "renderPrompt", role: account.Viewer, summary: "What a version makes of variables; changes nothing, and asks no model",
			in: renderRequest{}, status: http.StatusOK, out: renderedPrompt{}, handle: a.renderPrompt,
		},
		{
			method: "GET", path: "/prompts/{name}/diff", name: "diffPrompt", params: diffParams, summary: "What differs between two versions, and what that makes of recent inputs in tokens and cost",
			status: http.StatusOK, out: promptDiff{}, handle: a.diffPrompt,
		},
		{
			method: "GET", path: "/prompts/{name}/usage", name: "getPromptUsage", params: usageParams, summary: "Calls, cost and latency of each version that was used",
			status: http.StatusOK, out: promptUsage{}, handle: a.getPromptUsage,
		},
		{
			method: "PUT", path: "/prompts/{name}/labels/{label}", name: "movePromptLabel", role: account.Developer,
			summary: "Point a label to a version; a protected one only to where it has been before", in: labelMove{}, status: http.StatusOK, out: movedLabel{}, handle: a.moveLabel,
		},
		{
			method: "DELETE", path: "/prompts/{name}/labels/{label}", name: "removePromptLabel", role: account.Developer,
			summary: "Take a label away", status: http.StatusNoContent, handle: a.removeLabel,
		},
		{
			method: "POST", path: "/prompts/{name}/labels/{label}/rollback", name: "rollbackPromptLabel", role: account.Developer,
			summary: "Move a label back to the version before, or to one that it was at before; needs no approval", in: rollbackRequest{}, status: http.StatusOK, out: movedLabel{}, handle: a.rollbackLabel,
		},
		{
			method: "GET", path: "/prompts/{name}/moves", name: "listPromptMoves", summary: "Every move of the prompt's labels, newest first",
			status: http.StatusOK, out: moveList{}, handle: a.listMoves,
		},
		{
			method: "POST", path: "/prompts/{name}/moves/{revision}/undo", name: "undoPromptMove", role: account.Developer,
			summary: "Take the last move of a label back", in: reasonRequest{}, status: http.StatusOK, out: movedLabel{}, handle: a.undoMove,
		},
		{
			method: "PUT", path: "/prompts/{name}/protections/{label}", name: "protectPromptLabel", role: account.Admin,
			summary: "Protect a label: it moves to another version by an approved change only", in: newProtection{}, status: http.StatusOK, out: protection{}, handle: a.protectLabel,
		},
		{
			method: "DELETE", path: "/prompts/{name}/protections/{label}", name: "unprotectPromptLabel", role: account.Admin,
			summary: "Set a protected label free", status: http.StatusNoContent, handle: a.unprotectLabel,
		},
		{
			method: "GET", path: "/prompts/{name}/changes", name: "listPromptChanges", params: changeParams, summary: "Requests to move the prompt's labels, newest first",
			status: http.StatusOK, out: changeList{}, handle: a.listPromptChanges,
		},
		{
			method: "POST", path: "/prompts/{name}/changes", name: "openPromptChange", role: account.Developer,
			summary: "Ask for a label to be moved", in: newChange{}, status: http.StatusCreated, out: changeText{}, handle: a.openChange,
		},
		{
			method: "GET", path: "/changes", name: "listChanges", params: changeParams, summary: "Requests to move labels of all prompts, newest first",
			status: http.StatusOK, out: changeList{}, handle: a.listChanges,
		},
		{
			method: "GET", path: "/changes/{id}", name: "getChange", summary: "A change request whole: its reviews, what keeps it from being merged, the difference and what that costs",
			status: http.StatusOK, out: changeDetail{}, handle: a.getChange,
		},
		{
			method: "POST", path: "/changes/{id}/reviews", name: "reviewChange", role: account.Approver,
			summary: "Approve or reject a change that somebody else asked for; the last word of each person counts", in: newReview{}, status: http.StatusOK, out: changeText{}, handle: a.reviewChange,
		},
		{
			method: "POST", path: "/changes/{id}/merge", name: "mergeChange", role: account.Approver,
			summary: "Move the label as the change says, when it is approved and its gate has passed", status: http.StatusOK, out: changeText{}, handle: a.mergeChange,
		},
		{
			method: "POST", path: "/changes/{id}/close", name: "closeChange", role: account.Developer,
			summary: "End a change request without a move", status: http.StatusOK, out: changeText{}, handle: a.closeChange,
		},
	}
}

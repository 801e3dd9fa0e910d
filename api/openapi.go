package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object of the document.
type object = map[string]any

// inPath finds the parameters of a path.
var inPath = regexp.MustCompile(`\{([a-z]+)\}`)

// document describes the routes in OpenAPI 3.1. It is the same for the same routes, byte by byte.
func document(routes []route) []byte {
	s := schemas{}
	paths := map[string]object{}
	for i := range routes {
		r := &routes[i]
		p := prefix + r.path
		if paths[p] == nil {
			paths[p] = object{}
		}
		paths[p][strings.ToLower(r.method)] = r.operation(s)
	}
	s["Failure"] = object{
		"type": "object", "required": []string{"error"},
		"properties": object{"error": object{
			"type": "object", "required": []string{"message", "type", "param", "code"},
			"properties": object{
				"message": object{"type": "string"},
				"type":    object{"type": "string"},
				"param":   object{"type": []string{"string", "null"}, "description": "the parameter or field at fault"},
				"code":    object{"type": "string", "description": "one of weir's stable codes: weir_unauthorized, weir_invalid_request, weir_not_found, …"},
			},
		}},
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title": "weir", "version": "1",
			"description": "The read and admin side of weir. Money is a decimal string of US dollars, with nine decimals where it is an amount weir counted; " +
				"what is not known is null, never zero. Times are RFC 3339 in UTC with microseconds. Lists have cursors. Fields may be added, and are never taken away.",
			"license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []object{{"url": "/"}},
		"security": []object{{"token": []string{}}, {"session": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas": s,
			"responses": object{"Failure": object{
				"description": "What went wrong, to what, and what to do",
				"headers": object{
					"X-Request-Id": object{"description": "the id under which the operator's log has the cause", "schema": object{"type": "string"}},
					"Retry-After":  object{"description": "seconds until it is worth trying again", "schema": object{"type": "integer"}},
				},
				"content": jsonContent(object{"$ref": "#/components/schemas/Failure"}),
			}},
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "the admin token, in the file admin-token of weir's data directory"},
				"session": object{"type": "apiKey", "in": "cookie", "name": cookieName, "description": "made by POST " + prefix + "/session; changes must come from the same origin"},
			},
		},
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("api: OpenAPI document: %v", err)) // maps, strings and numbers only
	}
	return append(text, '\n')
}

func jsonContent(schema any) object { return object{"application/json": object{"schema": schema}} }

// operation describes one route.
func (r *route) operation(s schemas) object {
	var params []object
	for _, m := range inPath.FindAllStringSubmatch(r.path, -1) {
		params = append(params, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, p := range r.params {
		schema := object{"type": "string"}
		if p.kind != "" {
			schema["type"] = p.kind
		}
		if p.enum != nil {
			schema["enum"] = p.enum
		}
		one := object{"name": p.name, "in": "query", "description": p.about, "schema": schema}
		if p.many {
			one["schema"] = object{"type": "array", "items": schema}
		}
		if p.required {
			one["required"] = true
		}
		params = append(params, one)
	}
	good := object{"description": r.summary}
	switch {
	case r.stream != "":
		good["content"] = object{r.stream: object{"schema": s.of(r.out)}}
	case slices.Contains(r.also, contentJSONLines): // an object a line, not one JSON value
		good["content"] = object{contentJSONLines: object{"schema": s.of(r.out)}}
	case r.out != nil:
		good["content"] = jsonContent(s.of(r.out))
	}
	for _, t := range r.also {
		if t != contentJSONLines {
			good["content"].(object)[t] = object{"schema": object{"type": "string"}}
		}
	}
	op := object{
		"operationId": r.name, "summary": r.summary,
		"responses": object{strconv.Itoa(r.status): good, "default": object{"$ref": "#/components/responses/Failure"}},
	}
	if params != nil {
		op["parameters"] = params
	}
	if r.in != nil {
		op["requestBody"] = object{"required": true, "content": jsonContent(s.of(r.in))}
	}
	if r.takes != nil {
		content := object{}
		for _, t := range r.takes {
			content[t] = object{"schema": object{"type": "string", "format": "binary"}}
		}
		op["requestBody"] = object{"required": true, "content": content}
	}
	if r.open {
		op["security"] = []object{}
	}
	return op
}

func (a *API) getDocument(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(a.document)
	return nil
}

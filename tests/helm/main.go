// Renders a chart as `helm template` does, as far as our chart needs it: render CHART RELEASE NAMESPACE [VALUES-FILE...]
//
// Helm itself is text/template with the functions of sprig and a handful of its own; building all of it takes minutes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(path string) map[string]any {
	text, err := os.ReadFile(path)
	fail(err)
	values := map[string]any{}
	fail(yaml.Unmarshal(text, &values))
	return values
}

// Maps are merged, everything else is replaced; null takes a default away.
func overlay(base, over map[string]any) map[string]any {
	for key, value := range over {
		below, isMap := base[key].(map[string]any)
		above, overIsMap := value.(map[string]any)
		switch {
		case isMap && overIsMap:
			base[key] = overlay(below, above)
		case value == nil:
			delete(base, key)
		default:
			base[key] = value
		}
	}
	return base
}

func toYaml(v any) string {
	text, err := yaml.Marshal(v)
	fail(err)
	return strings.TrimSuffix(string(text), "\n")
}

func functions(t *template.Template) template.FuncMap {
	f := sprig.TxtFuncMap()
	f["toYaml"] = toYaml
	f["toJson"] = func(v any) string {
		text, err := json.Marshal(v)
		fail(err)
		return string(text)
	}
	f["fromJsonArray"] = func(text string) []any {
		var list []any
		fail(json.Unmarshal([]byte(text), &list))
		return list
	}
	f["include"] = func(name string, data any) (string, error) {
		var out strings.Builder
		err := t.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	f["tpl"] = func(text string, data any) (string, error) {
		inner, err := template.Must(t.Clone()).New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out strings.Builder
		err = inner.Execute(&out, data)
		return out.String(), err
	}
	return f
}

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: render CHART RELEASE NAMESPACE [VALUES-FILE...]"))
	}
	chart := os.Args[1]
	meta := load(filepath.Join(chart, "Chart.yaml"))
	values := load(filepath.Join(chart, "values.yaml"))
	for _, path := range os.Args[4:] {
		values = overlay(values, load(path))
	}
	data := map[string]any{
		"Values":  values,
		"Release": map[string]any{"Name": os.Args[2], "Namespace": os.Args[3], "Service": "Helm"},
		"Chart":   map[string]any{"Name": meta["name"], "Version": meta["version"], "AppVersion": meta["appVersion"]},
	}
	t := template.New("chart").Option("missingkey=zero")
	t.Funcs(functions(t))
	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	fail(err)
	sort.Strings(files)
	for _, path := range files {
		text, err := os.ReadFile(path)
		fail(err)
		_, err = t.New(filepath.Base(path)).Parse(string(text))
		fail(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, ".tpl") {
			continue
		}
		var out strings.Builder
		fail(t.ExecuteTemplate(&out, filepath.Base(path), data))
		// Helm's text for a value that is not there.
		fmt.Printf("---\n# Source: %s\n%s\n", filepath.Base(path), strings.ReplaceAll(out.String(), "<no value>", ""))
	}
}

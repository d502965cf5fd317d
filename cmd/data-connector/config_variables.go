package main

import (
	"fmt"
	"reflect"
	"strings"
)

// A variable is one of the environment.
type variable struct {
	name, fallback, allowed, help string
	value                         string // as people may see it
}

// variables are all, in the order of the struct.
func (c config) variables() []variable {
	v := reflect.ValueOf(c)
	all := make([]variable, 0, v.NumField())
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		all = append(all, variable{
			name: tag.Get("env"), fallback: tag.Get("envDefault"), allowed: tag.Get("allowed"), help: tag.Get("help"),
			value: shown(v.Field(i).Interface()),
		})
	}
	return all
}

// shown is a value for people; types that hide something do so in String.
func shown(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v)
}

// variableNamed finds one by its name.
func variableNamed(name string) variable {
	for _, v := range (config{}).variables() {
		if v.name == name {
			return v
		}
	}
	return variable{name: name}
}

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/confuse/data-connector/domain"
)

// loadConfig reads the environment. The error holds all that is wrong, each
// problem with the name of the variable and what is allowed.
func loadConfig(environ map[string]string) (config, error) {
	var c config
	err := env.ParseWithOptions(&c, env.Options{Environment: environ})
	problems := unreadable(err, environ)
	c.complete(environ)
	problems = append(problems, c.check(problems)...)
	return c, errors.Join(problems...)
}

// complete fills in what follows from other variables.
func (c *config) complete(environ map[string]string) {
	if c.KafkaGroup == "" {
		c.KafkaGroup = c.KafkaPrefix + "-projector"
	}
	if c.CacheDir == "" {
		c.CacheDir = filepath.Join(userCache(environ), "data-connector")
	}
	c.KafkaSecurity, c.KafkaMechanism = strings.ToUpper(c.KafkaSecurity), strings.ToUpper(c.KafkaMechanism)
	for _, list := range [][]string{c.KafkaServers, c.AcceptFsck} {
		for i, s := range list {
			list[i] = strings.TrimSpace(s)
		}
	}
}

func userCache(environ map[string]string) string {
	if dir := environ["XDG_CACHE_HOME"]; filepath.IsAbs(dir) {
		return dir
	}
	if home := environ["HOME"]; filepath.IsAbs(home) {
		return filepath.Join(home, ".cache")
	}
	return "/var/tmp"
}

// unreadable turns what the library found into problems of variables.
func unreadable(err error, environ map[string]string) []error {
	var all env.AggregateError
	if err == nil {
		return nil
	}
	if !errors.As(err, &all) {
		return []error{err}
	}
	var problems []error
	for _, e := range all.Errors {
		var bad env.ParseError
		f, ok := reflect.StructField{}, false
		if errors.As(e, &bad) {
			f, ok = reflect.TypeFor[config]().FieldByName(bad.Name)
		}
		if !ok {
			problems = append(problems, e)
			continue
		}
		name := f.Tag.Get("env")
		problems = append(problems, problem(name, fmt.Sprintf("%q cannot be read", environ[name])))
	}
	return problems
}

// problem is what is wrong with a variable, with what is allowed.
func problem(name, text string) error {
	return &domain.InvalidError{Field: name, Problem: text, Allowed: variableNamed(name).allowed}
}

// require tells which of the variables are missing, all in one error. None are
// named that have a value.
func (c config) require(names ...string) error {
	var missing []error
	for _, v := range c.variables() {
		for _, name := range names {
			if v.name == name && v.value == "" {
				missing = append(missing, problem(name, "is required"))
			}
		}
	}
	return errors.Join(missing...)
}

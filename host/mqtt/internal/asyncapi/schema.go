package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hyundai-mqtt/hyundai-plugin/host/mqtt"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
)

// schemas makes JSON schemas; those of more than one payload have a name.
type schemas struct {
	comments comments
	named    map[string]*jsonschema.Schema
	err      error
}

// payload is the schema of a payload; plain: it is text, and no JSON.
func (s *schemas) payload(p mqtt.Payload) (schema *jsonschema.Schema, plain bool, err error) {
	switch {
	case p.Attribute != nil:
		return s.value(p), false, nil
	case p.Every:
		return stateOf(shared.Attributes()), false, nil
	}

	var forms []*jsonschema.Schema
	if p.Pattern != "" {
		forms = append(forms, &jsonschema.Schema{Type: "string", Pattern: p.Pattern})
	}
	if p.Keys != nil {
		forms = append(forms, objectOf(p.Keys))
	}
	if p.Object != nil {
		object, err := s.object(p.Object, p.Data)
		if err != nil {
			return nil, false, err
		}
		forms = append(forms, object)
	}
	if len(forms) == 1 {
		return forms[0], p.Pattern != "", nil
	}
	return &jsonschema.Schema{OneOf: forms}, false, nil
}

// objectOf is an object that the bridge gets.
func objectOf(keys []mqtt.Key) *jsonschema.Schema {
	object := closedObject()
	for _, k := range keys {
		p := &jsonschema.Schema{Description: k.Title, Pattern: k.Pattern}
		switch k.Kind {
		case shared.KindInteger:
			p.Type, p.Minimum, p.Maximum = "integer", pointer(float64(k.Least)), pointer(float64(k.Most))
		case shared.KindFlag:
			p.Type = "boolean"
		default:
			p.Type, p.Enum = "string", anyOf(k.Words)
			if k.Most > 0 {
				p.MinLength, p.MaxLength = pointer(int(k.Least)), pointer(int(k.Most))
			}
		}
		member(object, k.Name, p, k.Required)
	}
	return object
}

// closedObject is an object that has only the members that are added to it.
func closedObject() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: nothing()}
}

// member adds one to an object.
func member(object *jsonschema.Schema, name string, schema *jsonschema.Schema, required bool) {
	object.Properties[name] = schema
	object.PropertyOrder = append(object.PropertyOrder, name)
	if required {
		object.Required = append(object.Required, name)
	}
}

// object is the JSON object of a type; data, if it has such a member, is that type's, or
// empty.
func (s *schemas) object(t, data reflect.Type) (*jsonschema.Schema, error) {
	object, err := s.ofType(t)
	if err != nil {
		return nil, err
	}
	dataSchema, ok := object.Properties["data"]
	switch {
	case !ok && t.Kind() == reflect.Struct:
		return s.reference(t.Name(), object), nil
	case !ok:
		return object, nil
	}
	empty := &jsonschema.Schema{Type: "object", AdditionalProperties: nothing(), Description: "Nothing to say, or it failed"}
	*dataSchema = *empty
	if data != nil {
		full, err := s.ofType(data)
		if err != nil {
			return nil, err
		}
		*dataSchema = jsonschema.Schema{OneOf: []*jsonschema.Schema{s.reference(data.Name(), full), empty}}
	}
	return object, nil
}

func (s *schemas) ofType(t reflect.Type) (*jsonschema.Schema, error) {
	options := &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{}}
	s.enumerate(t, options.TypeSchemas, map[reflect.Type]bool{})
	schema, err := jsonschema.ForType(t, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	s.comment(t, schema)
	return schema, nil
}

// reference names a schema and returns a reference to it. Another one with the same name
// is an error, which stays.
func (s *schemas) reference(name string, schema *jsonschema.Schema) *jsonschema.Schema {
	if before, ok := s.named[name]; ok && !reflect.DeepEqual(before, schema) {
		s.err = fmt.Errorf("there are two schemas named %s", name)
	}
	s.named[name] = schema
	return &jsonschema.Schema{Ref: "#/components/schemas/" + name}
}

// enumerate makes the named texts in a type enumerations of their constants.
func (s *schemas) enumerate(t reflect.Type, into map[reflect.Type]*jsonschema.Schema, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		s.enumerate(t.Elem(), into, seen)
	case reflect.Struct:
		for n := range t.NumField() {
			s.enumerate(t.Field(n).Type, into, seen)
		}
	case reflect.String:
		if words := s.comments.words[t.String()]; words != nil {
			into[t] = &jsonschema.Schema{Type: "string", Enum: words}
		}
	}
}

// comment takes the comments of fields into a schema as descriptions.
func (s *schemas) comment(t reflect.Type, schema *jsonschema.Schema) {
	switch t.Kind() {
	case reflect.Pointer:
		s.comment(t.Elem(), schema)
	case reflect.Slice:
		s.comment(t.Elem(), schema.Items)
	case reflect.Struct:
		for n := range t.NumField() {
			field := t.Field(n)
			if field.Anonymous {
				s.comment(field.Type, schema)
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			property, ok := schema.Properties[name]
			if !ok {
				continue
			}
			if text := s.comments.fields[t.String()][field.Name]; text != "" {
				property.Description = text
			}
			s.comment(field.Type, property)
		}
	}
}

// nothing is the schema of no value.
func nothing() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }

func pointer[T any](v T) *T { return &v }

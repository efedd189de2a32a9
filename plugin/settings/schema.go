package settings

import "github.com/hyundai-mqtt/hyundai-plugin/sdk"

// Schema is the JSON Schema of the settings.
const Schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "hyundai-plugin settings",
  "type": "object",
  "additionalProperties": false,
  "required": ["username", "password"],
  "properties": {
    "username": {"type": "string", "minLength": 1, "description": "E-mail address of the account"},
    "password": {"type": "string", "minLength": 1, "description": "Password of the account, or a refresh token of 48 capital letters and digits", "writeOnly": true},
    "pin": {"type": "string", "description": "PIN of the account; not needed for reading", "writeOnly": true},
    "region": {"type": ["string", "integer"], "default": "europe", "description": "1 or europe"},
    "brand": {"type": ["string", "integer"], "default": 1, "description": "1 or kia, 2 or hyundai, 3 or genesis"},
    "language": {"type": "string", "default": "en", "description": "Two letters"},
    "endpoints": {
      "type": "object",
      "additionalProperties": false,
      "description": "Other hosts than the vendor's; plain HTTP on this machine only",
      "properties": {
        "login": {"type": "string", "format": "uri"},
        "cci": {"type": "string", "format": "uri"},
        "api": {"type": "string", "format": "uri"}
      }
    },
    "profile": {
      "type": "object",
      "required": ["version", "region", "brand"],
      "description": "Values in place of the built-in ones, for days when the vendor moves its servers: an object of the form of plugin/profile/europe/*.json with the keys to replace",
      "properties": {
        "version": {"type": "integer", "minimum": 1},
        "region": {"const": "europe"},
        "brand": {"enum": ["hyundai", "kia", "genesis"]}
      }
    },
    "driver_side": {"enum": ["left", "right"], "description": "Where the driver sits in the account's cars; default: as in the region"},
    "record": {"type": "boolean", "default": false, "description": "Write the traffic with the vendor, without secrets, to a file in the plugin's directory"},
    "reread_after": {"type": "array", "items": {"type": "string"}, "description": "When to look for the answer of a woken CCS2 car: 3s, 8s, …"},
    "limits": ` + sdk.LimitsSchema + `,
    "schedule": ` + sdk.ScheduleSchema + `
  }
}`

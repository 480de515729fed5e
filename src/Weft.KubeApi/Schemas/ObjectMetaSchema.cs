using System.Text.Json.Nodes;

namespace Weft.KubeApi.Schemas;

/// <summary>The parts of every object that the server itself answers for: metav1.TypeMeta and metav1.ObjectMeta.</summary>
internal static class ObjectMetaSchema
{
    public const string ComponentName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

    public static JsonObject Schema { get; } = JsonNode.Parse("""
        {
          "description": "Standard object's metadata.",
          "type": "object",
          "properties": {
            "name": {"type": "string", "description": "Name must be unique within a namespace."},
            "generateName": {"type": "string", "description": "Prefix of a unique name that the server makes when no name is given."},
            "namespace": {"type": "string", "description": "Space within which each name must be unique."},
            "selfLink": {"type": "string", "description": "Legacy, not set."},
            "uid": {"type": "string", "description": "Unique in time and space."},
            "resourceVersion": {"type": "string", "description": "Opaque version for optimistic concurrency and watches."},
            "generation": {"type": "integer", "format": "int64", "description": "Sequence number of the desired state."},
            "creationTimestamp": {"type": "string", "format": "date-time", "nullable": true, "description": "Time the object was created."},
            "deletionTimestamp": {"type": "string", "format": "date-time", "description": "Time after which the object goes away."},
            "deletionGracePeriodSeconds": {"type": "integer", "format": "int64", "description": "Seconds allowed to end gracefully."},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Keys and values to select objects by."},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Keys and values for tools."},
            "ownerReferences": {
              "type": "array", "description": "Objects depended on: the object is collected when all of them are gone.",
              "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
              "x-kubernetes-patch-merge-key": "uid", "x-kubernetes-patch-strategy": "merge",
              "items": {
                "type": "object", "x-kubernetes-map-type": "atomic", "required": ["apiVersion", "kind", "name", "uid"],
                "properties": {
                  "apiVersion": {"type": "string", "description": "API version of the owner."},
                  "kind": {"type": "string", "description": "Kind of the owner."},
                  "name": {"type": "string", "description": "Name of the owner."},
                  "uid": {"type": "string", "description": "UID of the owner."},
                  "controller": {"type": "boolean", "description": "True for the managing controller."},
                  "blockOwnerDeletion": {"type": "boolean", "description": "True keeps an owner that is deleted in the foreground until this is gone."}
                }
              }
            },
            "finalizers": {
              "type": "array", "items": {"type": "string"}, "description": "Must be empty before the object is removed.",
              "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"
            },
            "managedFields": {
              "type": "array", "x-kubernetes-list-type": "atomic", "description": "Which manager set which fields.",
              "items": {
                "type": "object",
                "properties": {
                  "manager": {"type": "string"}, "operation": {"type": "string"}, "apiVersion": {"type": "string"},
                  "time": {"type": "string", "format": "date-time"}, "fieldsType": {"type": "string"},
                  "fieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                  "subresource": {"type": "string"}
                }
              }
            }
          }
        }
        """)!.AsObject();

    public static JsonObject ApiVersion => new()
    {
        ["type"] = "string", ["description"] = "APIVersion defines the versioned schema of this representation of an object.",
    };

    public static JsonObject Kind => new()
    {
        ["type"] = "string", ["description"] = "Kind is the REST resource that this object represents.",
    };
}

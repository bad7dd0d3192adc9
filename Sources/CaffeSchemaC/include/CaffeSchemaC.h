// The messages of caffe.proto as protobuf-c sees them. All but this header is made by
// scripts/generate-proto.
#pragma once

#include "caffe.pb-c.h"
#include "weights.pb-c.h"

/// The descriptor of the message at `index` in caffe.proto's order, or NULL past the last.
const ProtobufCMessageDescriptor *caffe_message_descriptor(size_t index);

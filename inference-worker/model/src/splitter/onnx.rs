//! The part of the ONNX format that shards use, as protobuf messages.
//!
//! Field numbers are those of `onnx.proto` (IR version 10). Fields that are left out here are dropped
//! when a file is decoded and encoded again; so a shard that passed through these types holds no
//! subgraphs, functions or sparse tensors.

use prost::{bytes::Bytes, Message, Oneof};

/// `ModelProto.ir_version` that is written.
pub const IR_VERSION: i64 = 10;
/// Version of the standard operators that is written.
pub const OPSET: i64 = 21;
/// Domain of the operators that ONNX Runtime adds.
pub const CONTRIB: &str = "com.microsoft";
/// Version of [`CONTRIB`] that is written.
pub const CONTRIB_OPSET: i64 = 1;

/// `TensorProto.DataType` of 32-bit floats.
pub const FLOAT: i32 = 1;
/// `TensorProto.DataType` of unsigned 8-bit integers.
pub const UINT8: i32 = 2;
/// `TensorProto.DataType` of signed 8-bit integers.
pub const INT8: i32 = 3;
/// `TensorProto.DataType` of 32-bit integers.
pub const INT32: i32 = 6;
/// `TensorProto.DataType` of 64-bit integers.
pub const INT64: i32 = 7;
/// `TensorProto.DataType` of truth values.
pub const BOOL: i32 = 9;
/// `TensorProto.DataType` of half-precision floats.
pub const FLOAT16: i32 = 10;
/// `TensorProto.DataLocation` of data outside the message.
pub const EXTERNAL: i32 = 1;
/// `AttributeProto.AttributeType` of a float.
pub const ATTRIBUTE_FLOAT: i32 = 1;
/// `AttributeProto.AttributeType` of an integer.
pub const ATTRIBUTE_INT: i32 = 2;

/// `AttributeProto.AttributeType` of a list of integers.
pub const ATTRIBUTE_INTS: i32 = 7;

/// A whole file.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
	/// Version of the format.
	#[prost(int64, tag = "1")]
	pub ir_version: i64,
	/// Program that wrote the file.
	#[prost(string, tag = "2")]
	pub producer_name: String,
	/// The graph.
	#[prost(message, optional, tag = "7")]
	pub graph: Option<GraphProto>,
	/// Sets of operators that the graph uses.
	#[prost(message, repeated, tag = "8")]
	pub opset_import: Vec<OperatorSetId>,
}

/// A set of operators.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetId {
	/// Empty for the standard operators.
	#[prost(string, optional, tag = "1")]
	pub domain: Option<String>,
	/// Version of the set.
	#[prost(int64, tag = "2")]
	pub version: i64,
}

/// Nodes in an order in which they can run, with their constants.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
	/// Operations.
	#[prost(message, repeated, tag = "1")]
	pub node: Vec<NodeProto>,
	/// Name of the graph.
	#[prost(string, tag = "2")]
	pub name: String,
	/// Constants.
	#[prost(message, repeated, tag = "5")]
	pub initializer: Vec<TensorProto>,
	/// What the caller gives.
	#[prost(message, repeated, tag = "11")]
	pub input: Vec<ValueInfo>,
	/// What the caller gets.
	#[prost(message, repeated, tag = "12")]
	pub output: Vec<ValueInfo>,
}

/// One operation.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
	/// Names of the values read; empty for one left out.
	#[prost(string, repeated, tag = "1")]
	pub input: Vec<String>,
	/// Names of the values written; empty for one left out.
	#[prost(string, repeated, tag = "2")]
	pub output: Vec<String>,
	/// Name of the node.
	#[prost(string, tag = "3")]
	pub name: String,
	/// Operator.
	#[prost(string, tag = "4")]
	pub op_type: String,
	/// Parameters of the operator.
	#[prost(message, repeated, tag = "5")]
	pub attribute: Vec<AttributeProto>,
	/// Set that the operator belongs to.
	#[prost(string, tag = "7")]
	pub domain: String,
}

/// A parameter of an operator: an integer, a list of them, or a float.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
	/// Name.
	#[prost(string, tag = "1")]
	pub name: String,
	/// Value, where [`Self::kind`] is [`ATTRIBUTE_FLOAT`].
	#[prost(float, optional, tag = "2")]
	pub f: Option<f32>,
	/// Value, where [`Self::kind`] is [`ATTRIBUTE_INT`].
	#[prost(int64, optional, tag = "3")]
	pub i: Option<i64>,
	/// Value, where [`Self::kind`] is [`ATTRIBUTE_INTS`].
	#[prost(int64, repeated, packed = "false", tag = "8")]
	pub ints: Vec<i64>,
	/// Which of them it is.
	#[prost(int32, tag = "20")]
	pub kind: i32,
}

/// A constant.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
	/// Shape.
	#[prost(int64, repeated, packed = "false", tag = "1")]
	pub dims: Vec<i64>,
	/// Type of the elements.
	#[prost(int32, tag = "2")]
	pub data_type: i32,
	/// Name under which nodes read it.
	#[prost(string, tag = "8")]
	pub name: String,
	/// Elements, little endian, row-major.
	#[prost(bytes = "bytes", optional, tag = "9")]
	pub raw_data: Option<Bytes>,
	/// Where the elements lie, if outside the message: `location`, `offset`, `length`.
	#[prost(message, repeated, tag = "13")]
	pub external_data: Vec<StringEntry>,
	/// [`EXTERNAL`] where the elements lie outside the message.
	#[prost(int32, optional, tag = "14")]
	pub data_location: Option<i32>,
}

/// A pair of texts.
#[derive(Clone, PartialEq, Message)]
pub struct StringEntry {
	/// Key.
	#[prost(string, tag = "1")]
	pub key: String,
	/// Value.
	#[prost(string, tag = "2")]
	pub value: String,
}

/// Name and type of an input or output.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
	/// Name.
	#[prost(string, tag = "1")]
	pub name: String,
	/// Type.
	#[prost(message, optional, tag = "2")]
	pub kind: Option<TypeProto>,
}

/// A type; shards have tensors only.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
	/// The tensor type.
	#[prost(message, optional, tag = "1")]
	pub tensor: Option<TensorType>,
}

/// Element type and shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
	/// Type of the elements.
	#[prost(int32, tag = "1")]
	pub element: i32,
	/// Shape.
	#[prost(message, optional, tag = "2")]
	pub shape: Option<TensorShape>,
}

/// A shape whose sizes may be open.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShape {
	/// Sizes, outermost first.
	#[prost(message, repeated, tag = "1")]
	pub dim: Vec<Dimension>,
}

/// One size.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
	/// A number, or a name for a size that the caller chooses.
	#[prost(oneof = "Size", tags = "1, 2")]
	pub size: Option<Size>,
}

/// A fixed or named size.
#[derive(Clone, PartialEq, Oneof)]
pub enum Size {
	/// Fixed.
	#[prost(int64, tag = "1")]
	Fixed(i64),
	/// Chosen by the caller; equal names have equal sizes.
	#[prost(string, tag = "2")]
	Named(String),
}

/// A message of caffe.proto as a Swift value.
///
/// Every field has a property named as in the prototxt, in lower camel case (`num_output` is
/// `numOutput`); an unset one reads as its default. Singular fields also have `hasNumOutput` and
/// `clearNumOutput()`. All integers are `Int`; the width of the wire is checked when encoding.
///
///     var layer = LayerParameter()
///     layer.name = "pool1"
///     layer.poolingParam.kernelSize = 2
public protocol Message: Equatable, Sendable, CustomStringConvertible {
  /// The names, types and defaults of the fields.
  static var descriptor: MessageDescriptor { get }
  /// What the message holds. Its descriptor is `Self.descriptor`.
  var fields: FieldStore { get set }
  init(fields: FieldStore)
}

extension Message {
  /// A message with no field set.
  public init() { self.init(fields: FieldStore(Self.descriptor)) }

  /// Where the message was written, if it was read from text. Not part of equality.
  public var location: SourceLocation? {
    get { fields.location }
    set { fields.location = newValue }
  }

  /// Protobuf's merge: a field set in `other` replaces, a repeated one appends, a message merges.
  public mutating func merge(_ other: Self) { fields.merge(other.fields) }

  public var description: String { text() }
}

/// An enum of caffe.proto.
public protocol ProtoEnum: RawRepresentable, CaseIterable, Hashable, Sendable
where RawValue == Int32 {
  /// The name in the prototxt: `MAX`.
  var protoName: String { get }
}

import CaffeSchema
import CaffeTestSupport
import Testing

/// Our schema against the tables printed from the reference (Tests/Goldens/schema).
struct DescriptorTests {
  /// The fields and values that Caffe 1.0 does not have.
  private static let firstPrivateNumber = 10001

  @Test func everyFieldIsAsInTheReference() throws {
    let rows = try SchemaGoldens.table("schema/caffe_fields.tsv")
    #expect(rows.count == 423)
    for row in rows {
      let place = "\(row["message"] ?? "").\(row["field"] ?? "")"
      let message = try #require(
        MessageDescriptor.all.first { $0.name == row["message"] }, "\(place)")
      let field = try #require(message.field(named: row["field"] ?? ""), "\(place)")
      #expect("\(field.number)" == row["number"], "\(place)")
      #expect(field.label.rawValue == row["label"], "\(place)")
      #expect(field.type.name == row["type"], "\(place)")
      #expect(field.isPacked == (row["packed"] == "packed"), "\(place)")
      let defaultText = field.defaultText ?? (field.isRepeated ? "[]" : "(unset)")
      #expect(defaultText == row["default"], "\(place)")
      let isExplicit = row["default_kind"] == "explicit"
      #expect(field.hasExplicitDefault == isExplicit, "\(place)")
    }
  }

  /// In a message of the reference; one of ours is reached by a private number only.
  @Test func nothingElseBelowThePrivateNumbers() throws {
    let rows = try SchemaGoldens.table("schema/caffe_fields.tsv")
    let known = Set(rows.map { "\($0["message"] ?? "").\($0["field"] ?? "")" })
    let messages = Set(rows.map { $0["message"] ?? "" })
    let ours = MessageDescriptor.all.filter { messages.contains($0.name) }.flatMap(\.fields)
      .filter { $0.number < Self.firstPrivateNumber }
    #expect(Set(ours.map(\.description)) == known)
  }

  @Test func everyEnumValueIsAsInTheReference() throws {
    let rows = try SchemaGoldens.table("schema/caffe_enums.tsv")
    let known = Set(rows.map { "\($0["enum"] ?? "").\($0["value"] ?? "")=\($0["number"] ?? "")" })
    var ours: Set<String> = []
    for field in MessageDescriptor.all.flatMap(\.fields) {
      guard case .enumeration(let type) = field.type else { continue }
      for value in type.values where value.number < Self.firstPrivateNumber {
        ours.insert("\(type.name).\(value.name)=\(value.number)")
      }
    }
    #expect(ours == known)
  }

  /// Readers recurse as deep as messages nest, so the schema itself must bound that.
  @Test func nestingIsShallow() {
    func depth(_ message: MessageDescriptor) -> Int {
      let inner = message.fields.map { field in
        if case .message(let type) = field.type { depth(type) } else { 0 }
      }
      return 1 + (inner.max() ?? 0)
    }
    #expect(MessageDescriptor.all.map(depth).max() == 6)
  }

  @Test func typedAccessorsUseTheSchema() {
    var layer = LayerParameter()
    #expect(!layer.hasPoolingParam)
    #expect(layer.poolingParam.stride == 1)
    #expect(layer.poolingParam.pool == .max)
    layer.poolingParam.kernelSize = 3
    layer.poolingParam.pool = .ave
    layer.bottom.append("a")
    layer.bottom.append("b")
    #expect(layer.hasPoolingParam)
    #expect(layer.bottom == ["a", "b"])
    #expect(layer.poolingParam.pool.protoName == "AVE")
    let copy = layer
    layer.clearPoolingParam()
    #expect(!layer.hasPoolingParam)
    #expect(copy.poolingParam.kernelSize == 3)
  }

  /// A million weights must not be copied when one is appended.
  @Test(
    .disabled(if: Sanitizer.isOn, "instrumented code keeps copies that the optimizer takes out"))
  func listsChangeInPlace() {
    var net = NetParameter()
    var blob = BlobProto()
    blob.data.reserveCapacity(10)
    blob.data.append(1)
    let before = blob.data.withUnsafeBufferPointer(\.baseAddress)
    blob.data.append(2)
    #expect(blob.data.withUnsafeBufferPointer(\.baseAddress) == before)
    blob.data[0] = 3
    #expect(blob.data.withUnsafeBufferPointer(\.baseAddress) == before)
    #expect(blob.data == [3, 2])
    net.layer = [LayerParameter()]
    net.layer[0].blobs = [blob]
    #expect(net.layer[0].blobs[0].data.withUnsafeBufferPointer(\.baseAddress) == before)
    blob.data.removeAll()
    #expect(blob == BlobProto())
    #expect(net.layer[0].blobs[0].data == [3, 2])
  }
}

import CaffeErrors
import CaffeSchema
import Testing

/// Every message type, filled at random, through both forms and back.
struct RoundTripTests {
  static let cases = MessageDescriptor.all.flatMap { type in (0..<4).map { (type.name, $0) } }

  @Test(arguments: cases)
  func keepsEveryField(name: String, seed: Int) throws {
    let type = try #require(MessageDescriptor.all.first { $0.name == name })
    var dice = Dice(seed: UInt64(seed))
    let message = RandomMessage.make(type, using: &dice, share: seed == 0 ? 1 : 0.3)
    if seed == 0 { #expect(type.fields.allSatisfy { message.has($0.index) }) }

    let printed = message.text()
    let parsed = try FieldStore(text: Array(printed.utf8), type: type, file: "printed")
    #expect(parsed == message, "\(printed)")

    let bytes = try message.binary()
    #expect(try bytes.withUnsafeBytes { try FieldStore(binary: $0, type: type) } == message)
  }

  /// Protobuf's rule: the bytes of two messages one after the other are the merged message.
  @Test(arguments: cases)
  func mergesAsConcatenatedBytesDo(name: String, seed: Int) throws {
    let type = try #require(MessageDescriptor.all.first { $0.name == name })
    var dice = Dice(seed: UInt64(100 + seed))
    var merged = RandomMessage.make(type, using: &dice, share: 0.6)
    let other = RandomMessage.make(type, using: &dice, share: 0.6)
    let bytes = try merged.binary() + other.binary()
    merged.merge(other)
    #expect(try bytes.withUnsafeBytes { try FieldStore(binary: $0, type: type) } == merged)
  }

  /// Numbers whose text is easy to get wrong, and 20 000 random ones.
  @Test func floatsReadBackAsTheyWere() throws {
    var dice = Dice(seed: 7)
    let edges: [Float] = [
      0, -0.0, 0.1, 1e-5, 1e-4, 123456, 1_234_567, 1e9, 1e10, .pi, .ulpOfOne, .infinity, -.infinity,
      .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, 16_777_216,
    ]
    let random = (0..<20_000).map { _ in
      Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &dice))
    }
    var blob = BlobProto()
    blob.data = edges + random.filter { !$0.isNaN }
    blob.doubleData = blob.data.map { Double($0) / 3 }
    let parsed = try BlobProto(text: blob.text(), file: "printed")
    #expect(parsed.data.count > 19_000)
    #expect(parsed.data.map(\.bitPattern) == blob.data.map(\.bitPattern))
    #expect(parsed.doubleData.map(\.bitPattern) == blob.doubleData.map(\.bitPattern))
  }

  @Test func refusesWhatDoesNotFitTheWire() throws {
    var pooling = PoolingParameter()
    pooling.pad = -1
    let negative = #expect(throws: CaffeError.self) { try pooling.binary() }
    #expect(
      negative?.description
        == "pad of PoolingParameter must be an integer from 0 to 4294967295, got -1")
    var net = NetParameter()
    net.inputDim = [1, 1 << 31]
    let large = #expect(throws: CaffeError.self) { try net.binary() }
    #expect(large?.description.hasSuffix("got 2147483648") == true)
    var layer = LayerParameter()
    layer.clipParam.min = 0
    let missing = #expect(throws: CaffeError.self) { try layer.binary() }
    #expect(missing?.description == "ClipParameter needs \"max\"")
    net.name = "a\0b"
    net.clearInputDim()
    let zero = #expect(throws: CaffeError.self) { try net.binary() }
    #expect(zero?.description == "name of NetParameter cannot be saved: it holds a zero character")
  }

  /// proto2: an enum number the schema does not have counts as unset. Field 1 of NetState is `phase`.
  @Test func unknownEnumNumbersAndFieldsAreSkipped() throws {
    let state = try NetState(binary: [0x08, 0x09, 0x10, 0x05, 0xF8, 0x01, 0x07], file: "state")
    #expect(!state.hasPhase)
    #expect(state.phase == .test)
    #expect(state.level == 5)
  }
}

/// SplitMix64: the same numbers on every machine.
struct Dice: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

enum RandomMessage {
  /// A message with about `share` of its fields set; required ones always.
  static func make(_ type: MessageDescriptor, using dice: inout Dice, share: Double) -> FieldStore {
    var store = FieldStore(type)
    for field in type.fields
    where field.label == .required || Double.random(in: 0..<1, using: &dice) < share {
      let count = field.isRepeated ? Int.random(in: 1...3, using: &dice) : 1
      store[value: field.index] = value(field, count, using: &dice, share: share)
    }
    return store
  }

  private static func value(
    _ field: FieldDescriptor, _ count: Int, using dice: inout Dice, share: Double
  ) -> FieldValue {
    func several<Value: FieldScalar & FieldListElement>(_ make: () -> Value) -> FieldValue {
      let values = (0..<count).map { _ in make() }
      return field.isRepeated ? Value.fieldValue(values) : values[0].fieldValue
    }
    switch field.type {
    case .int32: return several { Int(Int32.random(in: .min ... .max, using: &dice)) }
    case .uint32: return several { Int(UInt32.random(in: .min ... .max, using: &dice)) }
    case .int64: return several { Int.random(in: .min ... .max, using: &dice) }
    case .uint64: return several { Int.random(in: 0 ... .max, using: &dice) }
    case .float: return several { Float.random(in: -9...9, using: &dice) }
    case .double: return several { Double.random(in: -9...9, using: &dice) }
    case .bool: return several { Bool.random(using: &dice) }
    case .enumeration(let type):
      return several { type.values.randomElement(using: &dice)?.number ?? 0 }
    case .string:
      return several {
        String((0..<5).map { _ in "a \"'\\\n\té😀\u{1}".randomElement(using: &dice) ?? "a" })
      }
    case .bytes: return .bytes((0..<9).map { _ in UInt8.random(in: 0...255, using: &dice) })
    case .message(let type):
      return .messages((0..<count).map { _ in make(type, using: &dice, share: share * 0.7) })
    }
  }
}

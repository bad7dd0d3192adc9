/// The nearest value whose last 16 bits are 0, the even one of two that are equally near.
public func bfloat16(_ x: Float) -> Float {
  let below = x.bitPattern & 0xffff_0000
  let (low, high) = (Float(bitPattern: below), Float(bitPattern: below + 0x1_0000))
  let (down, up) = (abs(Double(x) - Double(low)), abs(Double(high) - Double(x)))
  if down != up { return down < up ? low : high }
  return below & 0x1_0000 == 0 ? low : high
}

/// The bits of a bfloat16 value.
public func bfloat16Bits(_ value: Float) -> UInt16 { UInt16(value.bitPattern >> 16) }

/// The value of these bits.
public func bfloat16Value(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

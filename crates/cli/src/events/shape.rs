//! What the values of a written type look like in lines. Types are known by their names, as nothing is compiled.
use ringseal::events::Shape;
use syn::{GenericArgument, PathArguments, Type};

/// The shape of a type; [`Shape::Any`] for one whose name is not known. A list of shapes that are referred to lives as
/// long as the program, which describes the events of one project and ends.
pub fn shape_of(kind: &Type) -> Shape {
    match kind {
        Type::Reference(reference) => shape_of(&reference.elem),
        Type::Paren(inner) => shape_of(&inner.elem),
        Type::Group(inner) => shape_of(&inner.elem),
        Type::Slice(slice) => list_of(&slice.elem),
        Type::Array(array) => list_of(&array.elem),
        Type::Tuple(tuple) if tuple.elems.is_empty() => Shape::Null,
        Type::Path(path) => path.path.segments.last().map_or(Shape::Any, named),
        _ => Shape::Any,
    }
}

fn named(segment: &syn::PathSegment) -> Shape {
    let argument = first_argument(&segment.arguments);
    let inner = || argument.map_or(Shape::Any, shape_of);
    match (segment.ident.to_string().as_str(), argument) {
        ("bool", None) => Shape::Boolean,
        ("i8" | "i16" | "i32" | "i64" | "i128" | "isize", None) => {
            Shape::Integer { is_signed: true }
        }
        ("u8" | "u16" | "u32" | "u64" | "u128" | "usize", None) => {
            Shape::Integer { is_signed: false }
        }
        ("f32" | "f64", None) => Shape::Float,
        ("char" | "str" | "String" | "Sanitized" | "IpAddr" | "SocketAddr" | "SpanId", None) => {
            TEXT
        }
        ("Box" | "Arc" | "Rc" | "Cow", Some(pointee)) => match shape_of(pointee) {
            text @ Shape::Text { format: None } => text,
            _ => Shape::Any,
        },
        ("Duration" | "Since" | "Timer", None) => Shape::Number,
        ("SystemTime", None) => Shape::Text { format: Some("date-time") },
        ("Ipv4Addr", None) => Shape::Text { format: Some("ipv4") },
        ("Ipv6Addr", None) => Shape::Text { format: Some("ipv6") },
        ("Uuid", None) => Shape::Text { format: Some("uuid") },
        ("Map", None) | ("ErrorValue", _) => Shape::Object,
        ("Option", Some(_)) => Shape::Optional(leak(inner())),
        ("Maybe", Some(_)) => Shape::Absent(leak(inner())),
        ("Vec", Some(item)) => list_of(item),
        ("Pii", Some(_)) => Shape::Personal { is_optional: inner().is_optional() },
        ("Secret", Some(_)) => Shape::Secret,
        _ => Shape::Any,
    }
}

const TEXT: Shape = Shape::Text { format: None };

/// Bytes are logged as a text.
fn list_of(item: &Type) -> Shape {
    if name_of(item).as_deref() == Some("u8") {
        return TEXT;
    }
    match shape_of(item) {
        // A list of a type without a known shape has none, either.
        Shape::Any => Shape::Any,
        shape => Shape::List(leak(shape)),
    }
}

fn leak(shape: Shape) -> &'static Shape {
    Box::leak(Box::new(shape))
}

/// The first argument that is a type.
fn first_argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    })
}

/// The name of a type without arguments, through references.
fn name_of(kind: &Type) -> Option<String> {
    match kind {
        Type::Reference(reference) => name_of(&reference.elem),
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// The type that rules compare: `f64` for `Option<Pii<f64>>`.
pub fn scalar_name(kind: &Type) -> Option<String> {
    let Type::Path(path) = kind else {
        return match kind {
            Type::Reference(reference) => scalar_name(&reference.elem),
            Type::Paren(inner) => scalar_name(&inner.elem),
            Type::Group(inner) => scalar_name(&inner.elem),
            _ => None,
        };
    };
    let segment = path.path.segments.last()?;
    match (segment.ident.to_string().as_str(), first_argument(&segment.arguments)) {
        ("Option" | "Maybe" | "Pii" | "Secret", Some(inner)) => scalar_name(inner),
        (name, None) => Some(name.to_owned()),
        _ => None,
    }
}

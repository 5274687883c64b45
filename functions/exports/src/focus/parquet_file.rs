//! Writes rows as an Apache Parquet file: one row group, a dictionary for each column, no compression.
//!
//! Numbers are decimals with 38 digits, 12 of them after the decimal point, so that sums are exact in every reader.

use std::sync::Arc;

use chrono::DateTime;
use ledger::money::MAX_SCALE;
use ledger::period;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use rust_decimal::Decimal;

use super::columns::{Kind, Row, columns};
use super::params::Version;

/// The digits of a decimal, and its size in bytes.
const PRECISION: i32 = 38;
const DECIMAL_BYTES: i32 = 16;

/// A file whose rows are kept until it is finished.
pub struct ParquetFile {
    version: Version,
    rows: Vec<Row>,
}

impl ParquetFile {
    pub const fn new(version: Version) -> Self {
        Self { version, rows: Vec::new() }
    }

    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub fn finish(self) -> Result<Vec<u8>> {
        let fields = columns(self.version).map(|(name, kind)| field(name, kind)).collect::<Result<_>>()?;
        let schema = Type::group_type_builder("focus").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_created_by("fleetledger".to_owned()).build();
        let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
        if !self.rows.is_empty() {
            let mut group = file.next_row_group()?;
            let mut kinds = columns(self.version).map(|(_, kind)| kind).enumerate();
            while let (Some(mut column), Some((place, kind))) = (group.next_column()?, kinds.next()) {
                let cells = self.rows.iter().map(|row| row[place].as_str());
                match kind {
                    Kind::Text => write::<ByteArrayType>(&mut column, cells, text)?,
                    Kind::Number => write::<FixedLenByteArrayType>(&mut column, cells, decimal)?,
                    Kind::Time => write::<Int64Type>(&mut column, cells, milliseconds)?,
                }
                column.close()?;
            }
            group.close()?;
        }
        file.into_inner()
    }
}

fn field(name: &str, kind: Kind) -> Result<TypePtr> {
    let physical = match kind {
        Kind::Text => Physical::BYTE_ARRAY,
        Kind::Number => Physical::FIXED_LEN_BYTE_ARRAY,
        Kind::Time => Physical::INT64,
    };
    let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    let scale = i32::try_from(MAX_SCALE).unwrap_or_default();
    let field = match kind {
        Kind::Text => field.with_logical_type(Some(LogicalType::String)),
        Kind::Number => field
            .with_logical_type(Some(LogicalType::decimal(scale, PRECISION)))
            .with_length(DECIMAL_BYTES)
            .with_precision(PRECISION)
            .with_scale(scale),
        Kind::Time => field.with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
    };
    field.build().map(Arc::new)
}

/// Writes the cells of a column. Empty ones are null.
fn write<'a, T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    cells: impl Iterator<Item = &'a str>,
    value: impl Fn(&'a str) -> Option<T::T>,
) -> Result<()> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for cell in cells {
        levels.push(i16::from(!cell.is_empty()));
        if !cell.is_empty() {
            let fault = || ParquetError::General(format!("{cell:?} does not fit into its column"));
            values.push(value(cell).ok_or_else(fault)?);
        }
    }
    column.typed::<T>().write_batch(&values, Some(&levels), None).map(drop)
}

/// A decimal as a big-endian number in units of its last place. `None` if it has too many places.
fn decimal(text: &str) -> Option<FixedLenByteArray> {
    let number = Decimal::from_str_exact(text).ok()?.normalize();
    let missing = MAX_SCALE.checked_sub(number.scale())?;
    let number = number.mantissa().checked_mul(10_i128.checked_pow(missing)?)?;
    Some(FixedLenByteArray::from(number.to_be_bytes().to_vec()))
}

#[allow(clippy::unnecessary_wraps, reason = "like the values of other columns")]
fn text(text: &str) -> Option<ByteArray> {
    Some(ByteArray::from(text))
}

fn milliseconds(text: &str) -> Option<i64> {
    period::parse_instant(text).map(|instant: DateTime<_>| instant.timestamp_millis())
}

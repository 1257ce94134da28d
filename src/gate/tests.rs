//! Files whose footer or pages say what is not so.
